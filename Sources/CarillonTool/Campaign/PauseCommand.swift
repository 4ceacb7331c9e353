import ArgumentParser
import Contracts

extension CampaignCommand {
    struct PauseCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Holds a campaign's new dials back; calls under way go on, and its status stays."
        )
        @OptionGroup var subject: Subject
        func run() async throws { try await CampaignCommand.setPaused(true, subject) }
    }

    struct UnpauseCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unpause",
            abstract: "Lets a paused campaign dial again, at once."
        )
        @OptionGroup var subject: Subject
        func run() async throws { try await CampaignCommand.setPaused(false, subject) }
    }

    private static func setPaused(_ isPaused: Bool, _ subject: Subject) async throws {
        let gateway = try subject.options.gateway()
        let answer = try await gateway.put("/v1.0/campaigns/\(subject.id)/pause", ["paused": .bool(isPaused)])
        let state = answer["paused"].bool == true ? "paused" : "not paused"
        Terminal.write("campaign \(subject.id): \(state), \(answer["status"].string ?? "")\n")
    }

    /// `carillon campaign test-call`: the campaign on a number of one's own.
    struct TestCallCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test-call",
            abstract: "Calls a number of your own as the campaign would; no count of it knows that call.",
            discussion: "Example: carillon campaign test-call ID +15551234567"
        )
        @OptionGroup var subject: Subject

        @Argument(help: "The number that is to ring.")
        var destination: String

        func run() async throws {
            let gateway = try subject.options.gateway()
            let call = try await gateway.post(
                "/v1.0/campaigns/\(subject.id)/test_call",
                ["destination": .string(destination)]
            )
            Terminal.write("call \(call["id"].string ?? ""): \(call["status"].string ?? "")\n")
        }
    }
}
