import AsyncHTTPClient
import Contracts
import Foundation
import NIOCore

/// The public API as a client sees it.
struct Gateway: Sendable {
    let url: String
    let accessKey: String
    /// Waits for a gateway that is being restarted; ``failingFast`` does not.
    var client = HTTPClient.shared

    init(url: String, accessKey: String) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.accessKey = accessKey
    }

    /// Says at once that nobody listens. It lives as long as the process.
    static let failingFast: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    func get(_ path: String) async throws -> JSONValue { try await send("GET", path) }
    func post(_ path: String, _ body: JSONValue) async throws -> JSONValue { try await send("POST", path, body) }
    func put(_ path: String, _ body: JSONValue) async throws -> JSONValue { try await send("PUT", path, body) }
    func delete(_ path: String) async throws -> JSONValue { try await send("DELETE", path) }

    /// Copies an answer that is no JSON to the standard output as it comes.
    func download(_ path: String) async throws {
        var request = HTTPClientRequest(url: url + path)
        request.headers = headers(contentType: "application/json", accept: "*/*")
        let response = try await answered { try await client.execute(request, timeout: .hours(24)) }
        let status = Gateway.status(response)
        guard (200..<300).contains(status) else {
            let bytes = try await answered { try await response.body.collect(upTo: 1 << 20) }
            throw Gateway.failure(status, try? JSONValue(parsing: bytes.readableBytesView))
        }
        try await answered {
            for try await chunk in response.body { Terminal.write(bytes: Array(chunk.readableBytesView)) }
        }
    }

    /// Whether it says that it can do its work.
    func isReady() async -> Bool {
        do {
            _ = try await request("GET", "/readyz", contentType: nil, body: nil, limit: .seconds(5))
            return true
        } catch { return false }
    }

    private func send(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let bytes = body.map { HTTPClientRequest.Body.bytes($0.bytes) }
        return try await request(
            method,
            path,
            contentType: body == nil ? nil : "application/json",
            body: bytes,
            limit: .seconds(30)
        )
    }

    /// Sends one request and reads its answer; throws one line for an answer that is an error.
    func request(
        _ method: String,
        _ path: String,
        contentType: String?,
        body: HTTPClientRequest.Body?,
        limit: TimeAmount
    ) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url + path)
        request.method = raw(method) ?? request.method
        request.headers = headers(contentType: contentType ?? "application/json")
        request.body = body
        let (status, bytes) = try await answered {
            let response = try await client.execute(request, timeout: limit)
            return (Gateway.status(response), try await response.body.collect(upTo: 64 << 20))
        }
        let json = try? JSONValue(parsing: bytes.readableBytesView)
        guard (200..<300).contains(status) else { throw Gateway.failure(status, json) }
        guard let json else { throw ToolError.failed("the gateway's answer is not JSON") }
        return json
    }

    /// Runs `body`; throws one line when nobody answers.
    private func answered<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as CancellationError {
            throw error
        } catch {
            try Task.checkCancellation()
            throw ToolError.unreachable(
                "the gateway at \(url) does not answer (\(Gateway.reason(error))); is `carillon up` running?"
            )
        }
    }

    private static func status(_ response: HTTPClientResponse) -> Int { Int("\(response.status)".prefix(3)) ?? 500 }

    /// A value of a query parameter.
    static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
    }

    // HTTPMethod and HTTPHeaders are made by the protocols that they conform to: AsyncHTTPClient is this target's
    // dependency, the module that declares them is not.

    private func headers<Headers: ExpressibleByDictionaryLiteral>(
        contentType: String,
        accept: String = "application/json"
    ) -> Headers
    where Headers.Key == String, Headers.Value == String {
        Headers(
            dictionaryLiteral: ("Authorization", "Bearer \(accessKey)"),
            ("Content-Type", contentType),
            ("Accept", accept)
        )
    }

    private func raw<Value: RawRepresentable>(_ text: String) -> Value? where Value.RawValue == String {
        Value(rawValue: text)
    }

    /// One line of what the server said, with the id that finds the request in its logs.
    static func failure(_ status: Int, _ json: JSONValue?) -> ToolError {
        let error = json?["error"] ?? .null
        let message = error["message"].string ?? "the gateway answered \(status)"
        let facts = [error["reason"].string, error["request_id"].string.map { "request \($0)" }].compactMap { $0 }
        let line = facts.isEmpty ? message : "\(message) (\(facts.joined(separator: ", ")))"
        return status == 429 || status == 503 ? .temporary("\(line); try again") : .failed(line)
    }

    private static func reason(_ error: any Error) -> String {
        let text = ToolError.oneLine("\(error)")
        if text.contains("ECONNREFUSED") || text.contains("onnection refused") { return "connection refused" }
        if text.contains("imeout") { return "timeout" }
        return text.count > 100 ? String(text.prefix(100)) : text
    }
}
