import Contracts

/// Typed settings: a flag if given, else the environment variable, else the default. Wrong ones are named.
package enum Environment {
    package static func text(_ name: String, flag: String?, in environment: [String: String]) -> String? {
        for value in [flag, environment[name]] { if let value, !value.isEmpty { return value } }
        return nil
    }

    package static func integer(
        _ name: String, flag: String?, in environment: [String: String], default value: Int64, range: ClosedRange<Int64>
    ) throws(ConfigurationError) -> Int64 {
        guard let text = text(name, flag: flag, in: environment) else { return value }
        guard let number = Int64(text), range.contains(number) else {
            throw ConfigurationError(
                "\(name) is \"\(text)\"; give a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// One of a closed set of words.
    package static func oneOf(
        _ name: String, flag: String?, in environment: [String: String], default value: String, allowed: [String]
    ) throws(ConfigurationError) -> String {
        let text = text(name, flag: flag, in: environment) ?? value
        guard allowed.contains(text) else {
            throw ConfigurationError("\(name) is \"\(text)\"; give one of \(allowed.joined(separator: ", "))")
        }
        return text
    }
}
