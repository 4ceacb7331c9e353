import ArgumentParser

extension CampaignCommand {
    /// `carillon campaign results`: a table for spreadsheets.
    struct ResultsCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "results",
            abstract: "Writes the results of a campaign as CSV, one line for each target.",
            discussion: """
                Example: carillon campaign results ID > results.csv

                \(ResourceHelp.statuses)
                """
        )
        @OptionGroup var subject: Subject

        func run() async throws {
            try await ResourceAccess.perform(subject.options) { gateway in
                try await gateway.download("/v1.0/campaigns/\(subject.id)/results.csv")
            }
        }
    }
}
