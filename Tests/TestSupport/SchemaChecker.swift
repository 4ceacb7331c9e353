package import Contracts
import Foundation

/// Checks documents against `schemas/`: a Python process with the validator of Debian, started with the first question
/// and asked one document after the other.
package actor SchemaChecker {
    /// One for the whole test process.
    package static let shared = SchemaChecker()

    /// Where a document differs from its schema, and how.
    package struct Problem: Sendable, CustomStringConvertible {
        /// A JSON pointer into the document.
        package let pointer: String
        package let message: String
        package var description: String { "\(pointer.isEmpty ? "/" : pointer): \(message)" }
    }

    /// What went wrong with the checker itself.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private var process: Process?
    private let input = Pipe()
    private let output = Pipe()
    private var received: [UInt8] = []

    /// Whether there is an openapi.yaml to check exchanges against.
    package static let hasOpenAPI = FileManager.default.fileExists(atPath: "\(SchemaFiles.directory)/openapi.yaml")

    /// What is wrong with `document` by the file `schema` below `schemas/`: `messages/items.json`.
    package func problems(of document: JSONValue, by schema: String) async throws -> [Problem] {
        try await ask(["schema": .string(schema), "document": document])
    }

    /// What is wrong with an HTTP exchange by openapi.yaml; bodies that are not JSON are nil.
    package func problems(
        ofExchange method: String,
        _ path: String,
        status: Int,
        request: JSONValue?,
        response: JSONValue?,
        responseType: String?
    ) async throws -> [Problem] {
        try await ask([
            "http": [
                "method": .string(method), "path": .string(path), "status": .integer(status),
                "request": request ?? .null, "response": response ?? .null, "response_type": .optional(responseType),
            ]
        ])
    }

    /// What is wrong with the files themselves: schemas that are none, references that lead nowhere, examples that do
    /// not hold.
    package func problemsOfFiles() async throws -> [Problem] { try await ask(["files": true]) }

    private func ask(_ question: JSONValue) async throws -> [Problem] {
        try startIfNeeded()
        // Question and answer without a suspension between them, so that answers cannot be mixed up.
        try input.fileHandleForWriting.write(contentsOf: Data(question.bytes + [UInt8(ascii: "\n")]))
        let answer = try JSONValue(parsing: try line())
        return (answer["errors"].array ?? []).map { error in
            Problem(pointer: error["pointer"].string ?? "", message: error["message"].string ?? "")
        }
    }

    private func line() throws -> [UInt8] {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                defer { received.removeFirst(end + 1) }
                return Array(received[..<end])
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Failure(description: "the schema checker ended; what it said is above") }
            received += more
        }
    }

    private func startIfNeeded() throws {
        guard process == nil else { return }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        let tests = URL(fileURLWithPath: SchemaFiles.directory).deletingLastPathComponent()
        let script = tests.appendingPathComponent("Tests/SchemaCheck/check_schemas.py").path
        process.arguments = [script, SchemaFiles.directory, "-"]
        process.standardInput = input
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            throw Failure(description: "python3 cannot be started (\(error)): run deploy/install-dependencies")
        }
        // Its standard input ends with this process, and it with that.
        self.process = process
    }
}
