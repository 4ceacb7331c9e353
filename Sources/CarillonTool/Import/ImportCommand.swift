import ArgumentParser
import Contracts
import Foundation
import NIOCore

/// `carillon import`: a list of people from a file into an outdial.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Imports a CSV or NDJSON file of people into an outdial.",
        discussion: """
            Columns, in any order: name, detail, data, priority, time_zone, destination_0 to destination_4; others become
            the target's variables. Bad rows are listed at the end and do not stop the import. The exit status is 1 when
            nothing could be imported.
            """
    )

    @Argument(help: "The file; its name ends in .ndjson or .jsonl for one JSON object a line, anything else is CSV.")
    var file: String

    @Option(help: "The id of the outdial to add to.")
    var outdial: String?

    @Option(help: "Make a new outdial with this name, and import into it.")
    var newOutdial: String?

    @OptionGroup var options: GatewayOptions

    func validate() throws {
        guard (outdial == nil) != (newOutdial == nil) else {
            throw ValidationError("give either --outdial ID or --new-outdial NAME")
        }
        if let outdial, ID(outdial) == nil { throw ValidationError("--outdial must be a UUID, and is '\(outdial)'") }
    }

    func run() async throws {
        let upload = try Upload(path: file)
        let gateway = try options.gateway()
        let id: String
        if let outdial {
            id = outdial
        } else {
            id = try await Import.makeOutdial(newOutdial ?? "", gateway)
            Terminal.write("outdial  \(id)\n")
        }
        let answer = try await Import.run(upload, into: id, gateway)
        Terminal.write(ImportReport.text(answer))
        let done = (answer["imported"].integer ?? 0) + (answer["duplicates"].integer ?? 0)
        if done == 0 { throw ExitCode(1) }
    }
}

/// The steps of an import.
enum Import {
    static func makeOutdial(_ name: String, _ gateway: Gateway) async throws -> String {
        let answer = try await gateway.post("/v1.0/outdials", ["name": .string(name)])
        guard let id = answer["id"].string else { throw ToolError.failed("the gateway's answer has no id") }
        return id
    }

    static func run(_ upload: Upload, into outdial: String, _ gateway: Gateway) async throws -> JSONValue {
        try await run(upload, to: "/v1.0/outdials/\(outdial)/targets/import", gateway)
    }

    /// Sends the file while it shows how far it has come; answers with the counts and the bad rows.
    static func run(_ upload: Upload, to path: String, _ gateway: Gateway) async throws -> JSONValue {
        let progress = Task { await show(upload) }
        defer { progress.cancel() }
        let answer = try await gateway.request(
            "POST",
            path,
            contentType: upload.contentType,
            body: upload.body(),
            limit: .hours(24)
        )
        progress.cancel()
        await progress.value
        return answer
    }

    private static func show(_ upload: Upload) async {
        var view = ProgressView()
        while !Task.isCancelled {
            view.show(upload.progress)
            try? await Task.sleep(for: .milliseconds(100))
        }
        view.show(upload.progress, isFinal: true)
    }
}
