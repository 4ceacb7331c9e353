import AsyncHTTPClient
import Contracts
import Foundation
import NIOCore

/// The public API as a client sees it.
struct Gateway: Sendable {
    let url: String
    let accessKey: String

    init(url: String, accessKey: String) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.accessKey = accessKey
    }

    func get(_ path: String) async throws -> JSONValue { try await send("GET", path) }
    func post(_ path: String, _ body: JSONValue) async throws -> JSONValue { try await send("POST", path, body) }
    func put(_ path: String, _ body: JSONValue) async throws -> JSONValue { try await send("PUT", path, body) }

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
        let status: Int
        let bytes: ByteBuffer
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: limit)
            status = Int("\(response.status)".prefix(3)) ?? 500
            bytes = try await response.body.collect(upTo: 64 << 20)
        } catch let error as CancellationError {
            throw error
        } catch {
            try Task.checkCancellation()
            throw ToolError.unreachable(
                "the gateway at \(url) does not answer (\(Gateway.reason(error))); is `carillon up` running?"
            )
        }
        let json = try? JSONValue(parsing: bytes.readableBytesView)
        guard (200..<300).contains(status) else { throw Gateway.failure(status, json) }
        guard let json else { throw ToolError.failed("the gateway's answer is not JSON") }
        return json
    }

    // HTTPMethod and HTTPHeaders are made by the protocols that they conform to: AsyncHTTPClient is this target's
    // dependency, the module that declares them is not.

    private func headers<Headers: ExpressibleByDictionaryLiteral>(contentType: String) -> Headers
    where Headers.Key == String, Headers.Value == String {
        Headers(
            dictionaryLiteral: ("Authorization", "Bearer \(accessKey)"),
            ("Content-Type", contentType),
            ("Accept", "application/json")
        )
    }

    private func raw<Value: RawRepresentable>(_ text: String) -> Value? where Value.RawValue == String {
        Value(rawValue: text)
    }

    private static func failure(_ status: Int, _ json: JSONValue?) -> ToolError {
        let error = json?["error"] ?? .null
        guard let message = error["message"].string else { return .failed("the gateway answered \(status)") }
        return .failed("\(message) (\(error["reason"].string ?? String(status)))")
    }

    private static func reason(_ error: any Error) -> String {
        let text = ToolError.oneLine("\(error)")
        if text.contains("ECONNREFUSED") || text.contains("onnection refused") { return "connection refused" }
        if text.contains("imeout") { return "timeout" }
        return text.count > 100 ? String(text.prefix(100)) : text
    }
}
