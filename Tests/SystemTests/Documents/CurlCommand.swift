import Contracts

/// A curl command as the documents print it, taken apart: what is sent is what is written there.
struct CurlCommand: Sendable {
    var method: String
    /// Path and query.
    var path: String
    var headers: [String: String]
    var body: String

    /// - Parameters:
    ///   - text: the command with its leading `$ curl`.
    ///   - replacements: what stands for the documents' ids and tokens.
    init(_ text: String, _ replacements: [String: String]) throws {
        var text = text
        for (old, new) in replacements { text = text.replacing(old, with: new) }
        // The text of a body may hold an apostrophe, which no shell would take: it ends with the last one.
        var options = text
        body = ""
        for option in ["--data-raw '", "--data '"] {
            guard let start = text.firstRange(of: option), let end = text.lastIndex(of: "'") else { continue }
            body = String(text[start.upperBound..<end])
            options = String(text[..<start.lowerBound])
            break
        }
        let words = options.split { $0 == " " || $0 == "\n" || $0 == "\\" }.map(String.init)
        guard words.starts(with: ["$", "curl"]),
            let option = words.firstIndex(where: { ["--request", "-X"].contains($0) }), option + 1 < words.count
        else { throw Failure(description: "not a curl command with a method: \(text)") }
        method = words[option + 1]
        let quoted = options.split(separator: "'", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        let host = "https://api.voipbin.net"
        guard let url = quoted.first(where: { $0.hasPrefix(host) }) else {
            throw Failure(description: "no URL: \(text)")
        }
        path = String(url.dropFirst(host.count))
        headers = [:]
        for header in quoted where !header.hasPrefix(host) {
            let parts = header.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[String(parts[0])] = String(parts[1].drop { $0 == " " })
        }
    }
}
