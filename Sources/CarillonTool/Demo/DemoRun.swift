import Contracts
import Foundation
import Service

/// The steps of the demo, once everything runs.
struct DemoRun: Sendable {
    let report: PlatformReport
    let list: String

    func run() async throws -> DemoResult {
        let gateway = Gateway(url: report.url, accessKey: report.account.accessKey)
        Terminal.write("Ready at \(report.url). Importing \(list) ...\n")
        let outdial = try await Import.makeOutdial("Demo", gateway)
        let imported = try await Import.run(try Upload(path: list), into: outdial, gateway)
        Terminal.write(ImportReport.text(imported, limit: 15))
        let outplan = try await gateway.post(
            "/v1.0/outplans",
            [
                "name": "Demo", "source": ["type": "tel", "target": "+15550100000"], "dial_timeout": 30_000,
                "try_interval": 1000, "max_try_count_0": 2, "max_try_count_1": 1, "max_try_count_2": 1,
            ]
        )
        let campaign = try await gateway.post(
            "/v1.0/campaigns",
            [
                "name": "Demo", "type": "call", "outdial_id": .string(outdial), "outplan_id": outplan["id"],
                "end_handle": "stop", "calls_per_second": .integer(callsPerSecond(imported)),
            ]
        )
        guard let id = campaign["id"].string else { throw ToolError.failed("the campaign has no id") }
        Terminal.write("Running campaign \(id) ...\n")
        let begin = ContinuousClock.now
        _ = try await gateway.put("/v1.0/campaigns/\(id)/status", ["status": "run"])
        let ended = try await CampaignWatch.run(id, gateway)
        let duration = ContinuousClock.now - begin
        return try DemoResult(
            directory: report.dataDirectory,
            campaign: id,
            final: ended,
            imported: imported,
            duration: duration
        )
    }

    /// A pace that makes the sample last about half a minute, so that there is something to watch.
    private func callsPerSecond(_ imported: JSONValue) -> Int {
        max(50, Int(imported["imported"].integer ?? 0) / 15)
    }

    /// What to try while it goes on running.
    static func keepText(_ report: PlatformReport, campaign: String) -> String {
        let authorization = "-H 'Authorization: Bearer \(report.account.accessKey)'"
        return """

            Everything is still running, until Ctrl-C.
              API         \(report.url)
              access key  \(report.account.accessKey)
            Try:
              curl -s \(authorization) \(report.url)/v1.0/campaigns/\(campaign)
              curl -s \(authorization) '\(report.url)/v1.0/campaigns/\(campaign)/campaigncalls?page_size=3'
              curl -s \(authorization) -X PUT -d '{"status":"run"}' \(report.url)/v1.0/campaigns/\(campaign)/status

            """
    }
}

/// Whether the demo proved what it set out to prove.
final class DemoVerdict: Sendable {
    private let good = Locked<Bool?>(nil)
    func set(_ isGood: Bool) { good.value = isGood }
    var isBad: Bool { good.value == false }
}
