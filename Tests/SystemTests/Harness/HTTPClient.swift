import Contracts
import Dispatch
import Glibc

/// An HTTP answer.
struct HTTPAnswer: Sendable {
    var status: Int
    /// By lower-case name; of several with one name, the last.
    var headers: [String: String]
    var body: [UInt8]

    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
}

/// A client of one request per connection on plain sockets: nothing is pooled, kept or retried behind a test's back.
struct HTTPClient: Sendable {
    var port: UInt16

    /// Sends one request, and holds it and its answer to `schemas/openapi.yaml`.
    func send(
        _ method: String,
        _ path: String,
        headers: [String: String] = [:],
        body: [UInt8] = [],
        within limit: Duration
    ) async throws -> HTTPAnswer {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if method != "GET" || !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        let request = Array((head + "\r\n").utf8) + body
        let received: [UInt8] = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try exchange(request, within: limit) })
            }
        }
        let answer = try HTTPClient.parse(received)
        let isForm = headers.contains { $0.key.lowercased() == "content-type" && !$0.value.contains("json") }
        try await expectDocumented(method, path, request: isForm ? nil : try? JSONValue(parsing: body), answer)
        return answer
    }

    private func exchange(_ request: [UInt8], within limit: Duration) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket: errno \(errno)") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure(description: "no connection to port \(port): errno \(errno)") }
        let end = ContinuousClock.now + limit
        try HTTPClient.setLimit(descriptor, until: end)
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "the request cannot be sent: errno \(errno)") }
            sent += count
        }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            try HTTPClient.setLimit(descriptor, until: end)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Failure(description: "no answer: errno \(errno)") }
            if count == 0 { return received }
            received += buffer[..<count]
        }
    }

    private static func setLimit(_ descriptor: Int32, until end: ContinuousClock.Instant) throws {
        let left = end - ContinuousClock.now
        guard left > .zero else { throw Failure(description: "no whole answer in time") }
        let parts = left.components
        var limit = timeval(tv_sec: Int(parts.seconds), tv_usec: Int(parts.attoseconds / 1_000_000_000_000) + 1)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    private static func parse(_ bytes: [UInt8]) throws -> HTTPAnswer {
        let mark = Array("\r\n\r\n".utf8)
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: mark) }) else {
            throw Failure(description: "the connection ended before the answer")
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, let status = Int(words[1]) else { throw Failure(description: "not an HTTP answer") }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased()] = String(value)
        }
        let body = Array(bytes[(end + 4)...])
        let isChunked = headers["transfer-encoding"] == "chunked"
        if let length = headers["content-length"].flatMap({ Int($0) }), length != body.count {
            throw Failure(description: "the body has \(body.count) of \(length) bytes")
        }
        return HTTPAnswer(status: status, headers: headers, body: isChunked ? try unchunk(body) : body)
    }

    private static func unchunk(_ bytes: [UInt8]) throws -> [UInt8] {
        var rest = bytes[...]
        var body: [UInt8] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\r")) {
            let digits = String(decoding: rest[..<end].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
            guard let length = Int(digits, radix: 16) else { break }
            if length == 0 { return body }
            let start = end + 2
            guard start + length + 2 <= rest.endIndex else { break }
            body += rest[start..<(start + length)]
            rest = rest[(start + length + 2)...]
        }
        throw Failure(description: "a chunk of the body is missing")
    }
}
