import ArgumentParser
import Contracts
import Foundation

/// `carillon campaign`: everything about campaigns.
struct CampaignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "campaign",
        abstract: CampaignKind.resource.abstract,
        discussion: ResourceHelp.statuses,
        subcommands: [
            RunCommand.self, StopCommand.self, PauseCommand.self, UnpauseCommand.self, WatchCommand.self,
            TestCallCommand.self,
        ]
            + ResourceCommand<CampaignKind>.verbs + [ResultsCommand.self, RehearseCommand.self]
    )

    /// The campaign that a command is about.
    struct Subject: ParsableArguments {
        @Argument(help: "The campaign's id.")
        var id: String

        @OptionGroup var options: GatewayOptions

        func validate() throws {
            guard ID(id) != nil else { throw ValidationError("the campaign's id must be a UUID, and is '\(id)'") }
        }
    }

    struct RunCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "run", abstract: "Starts a campaign.")
        @OptionGroup var subject: Subject
        func run() async throws { try await CampaignCommand.setStatus("run", subject) }
    }

    struct StopCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stop",
            abstract: "Stops a campaign: unanswered calls are cancelled, answered ones go on for stop_drain_timeout."
        )
        @OptionGroup var subject: Subject
        func run() async throws { try await CampaignCommand.setStatus("stop", subject) }
    }

    struct WatchCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "watch",
            abstract: "Shows a campaign's progress until it stops."
        )
        @OptionGroup var subject: Subject

        func run() async throws {
            let campaign = try await CampaignWatch.run(subject.id, try subject.options.gateway())
            Terminal.write("campaign \(subject.id) is stopped (\(campaign["end_reason"].string ?? ""))\n")
        }
    }

    private static func setStatus(_ status: String, _ subject: Subject) async throws {
        let gateway = try subject.options.gateway()
        let answer = try await gateway.put("/v1.0/campaigns/\(subject.id)/status", ["status": .string(status)])
        Terminal.write("campaign \(subject.id): \(answer["status"].string ?? status)\n")
    }
}

/// Follows one campaign until it stops.
enum CampaignWatch {
    /// Shows the progress four times a second; answers with the campaign once it is stopped.
    static func run(_ id: String, _ gateway: Gateway) async throws -> JSONValue {
        var view = ProgressView()
        while true {
            let campaign = try await gateway.get("/v1.0/campaigns/\(id)")
            let isOver = campaign["status"].string == "stop"
            view.show(bar(campaign), isFinal: isOver)
            if isOver { return campaign }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// The progress of a campaign as one line.
    static func bar(_ campaign: JSONValue) -> ProgressBar {
        let progress = campaign["progress"]
        func count(_ name: String) -> Int64 { progress[name].integer ?? 0 }
        let targets = count("targets")
        let parts = [
            "\(count("done"))/\(targets) targets", "calls \(count("calls"))", "dialing \(count("dialing"))",
            "answered \(count("answered"))", "success \(count("success"))", "fail \(count("fail"))",
        ]
        return ProgressBar(
            fraction: targets > 0 ? Double(count("done")) / Double(targets) : nil,
            label: campaign["status"].string ?? "",
            detail: parts.joined(separator: "  ")
        )
    }
}
