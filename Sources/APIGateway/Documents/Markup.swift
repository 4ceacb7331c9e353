import Contracts

/// Text as HTML.
enum Markup {
    static func escaped(_ text: some StringProtocol) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
        return result
    }

    /// Paragraphs, lists of lines that begin with `- `, and `code`, of the small Markdown that descriptions are written in.
    static func paragraphs(_ text: String) -> String {
        var blocks: [[Substring]] = [[]]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.allSatisfy(\.isWhitespace) {
                blocks.append([])
            } else {
                blocks[blocks.count - 1].append(line)
            }
        }
        return blocks.filter { !$0.isEmpty }.map(block).joined(separator: "\n")
    }

    private static func block(_ lines: [Substring]) -> String {
        guard lines.allSatisfy({ $0.trimmed.hasPrefix("- ") || $0.hasPrefix("  ") }), lines[0].trimmed.hasPrefix("- ")
        else { return "<p>\(inline(lines.map(\.trimmed).joined(separator: " ")))</p>" }
        var items: [String] = []
        for line in lines {
            let text = line.trimmed
            if text.hasPrefix("- ") {
                items.append(String(text.dropFirst(2)))
            } else {
                items[items.count - 1] += " " + text
            }
        }
        return "<ul>\(items.map { "<li>\(inline($0))</li>" }.joined())</ul>"
    }

    /// One run of text: what stands between backquotes is code, between double asterisks strong.
    static func inline(_ text: String) -> String {
        var result = ""
        for (index, part) in text.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            if !index.isMultiple(of: 2) {
                result += "<code>\(escaped(part))</code>"
                continue
            }
            let strong = escaped(part).components(separatedBy: "**")
            for (index, part) in strong.enumerated() {
                result += index.isMultiple(of: 2) || index == strong.count - 1 ? part : "<strong>\(part)</strong>"
            }
        }
        return result
    }

    /// JSON over several lines, with the short parts in one.
    static func json(_ value: JSONValue, indent: String = "") -> String {
        let flat = value.text
        if flat.utf8.count + indent.utf8.count <= 80 { return flat }
        let deeper = indent + "  "
        switch value {
        case .object(let object):
            let members = object.members.map { member in
                "\(deeper)\(JSONValue.string(member.name).text): \(json(member.value, indent: deeper))"
            }
            return "{\n\(members.joined(separator: ",\n"))\n\(indent)}"
        case .array(let values):
            return "[\n\(values.map { deeper + json($0, indent: deeper) }.joined(separator: ",\n"))\n\(indent)]"
        default: return flat
        }
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
