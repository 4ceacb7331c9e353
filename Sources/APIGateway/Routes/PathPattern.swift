/// A path with names in braces for what varies: `/v1.0/outdials/{outdial_id}/targets/{id}`.
package struct PathPattern: Sendable, CustomStringConvertible {
    private enum Segment: Sendable {
        case literal(String)
        case parameter(String)
    }

    package let description: String
    private let pattern: [Segment]

    init(_ text: String) {
        description = text
        pattern = PathPattern.segments(of: text).map { segment in
            segment.hasPrefix("{") ? .parameter(String(segment.dropFirst().dropLast())) : .literal(String(segment))
        }
    }

    var segmentCount: Int { pattern.count }

    /// How many segments vary; the fewer, the more particular the pattern.
    var parameterCount: Int {
        pattern.count { if case .parameter = $0 { true } else { false } }
    }

    /// The values of the names, in their order; nil when the path is another one.
    func parameters(in segments: [Substring]) -> [(name: String, value: Substring)]? {
        guard segments.count == pattern.count else { return nil }
        var values: [(name: String, value: Substring)] = []
        for (segment, value) in zip(pattern, segments) {
            switch segment {
            case .literal(let text): guard text == value else { return nil }
            case .parameter(let name): values.append((name, value))
            }
        }
        return values
    }

    /// The parts between slashes; a slash at the end makes no difference.
    static func segments(of path: some StringProtocol) -> [Substring] {
        Substring(path).split(separator: "/", omittingEmptySubsequences: true)
    }
}
