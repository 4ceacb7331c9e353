import ArgumentParser
import Contracts

extension CampaignCommand {
    /// `carillon campaign rehearse`: what a start would do.
    struct RehearseCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rehearse",
            abstract: "Says whom a start would dial now, later or never, and what stands in its way. Starts nothing.",
            discussion: """
                Example: carillon campaign rehearse ID

                \(ResourceHelp.statuses)
                """
        )
        @OptionGroup var subject: Subject

        @Flag(help: "One JSON object in a line.")
        var json = false

        func run() async throws {
            try await ResourceAccess.perform(subject.options) { gateway in
                let answer = try await gateway.post("/v1.0/campaigns/\(subject.id)/rehearsal", [:])
                Terminal.write(json ? answer.text + "\n" : RehearsalReport.text(answer))
            }
        }
    }
}

/// A rehearsal for a person.
enum RehearsalReport {
    static func text(_ answer: JSONValue) -> String {
        func count(_ name: String) -> Int64 { answer[name].integer ?? 0 }
        var lines = [
            "\(count("targets")) targets: \(count("now")) now, \(count("later")) later, \(count("never")) never"
        ]
        for reason in answer["reasons"].array ?? [] {
            lines.append(
                "  \(reason["when"].string ?? ""): \(reason["reason"].string ?? "") \(reason["targets"].integer ?? 0)"
            )
        }
        if let until = answer["later_until"].string { lines.append("the last of them is due at \(until)") }
        if let duration = answer["shortest_duration"].integer {
            lines.append("it takes at least \(Quantity.tenths(Double(duration) / 1000)) s")
        }
        let obstacles = answer["obstacles"].array ?? []
        for obstacle in obstacles {
            lines.append("obstacle: \(obstacle["message"].string ?? "") (\(obstacle["reason"].string ?? ""))")
        }
        if obstacles.isEmpty { lines.append("nothing stands in its way") }
        return lines.joined(separator: "\n") + "\n"
    }
}
