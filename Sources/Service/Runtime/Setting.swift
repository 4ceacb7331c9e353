/// One setting as the operator gave it: by a flag, by an environment variable, or not at all.
///
/// What is empty counts as not given, so that `VARIABLE=` in a unit file restores the default.
package struct Setting: Sendable, Hashable {
    /// The flag or variable that gave the value, for errors; the variable when nothing did.
    package let name: String
    /// The text that was given; nil leaves the default.
    package let value: String?

    /// Takes the value of the flag, else the variable's.
    ///
    /// - Parameter flagName: by default the variable's own words: `--worker-id` for `CARILLON_WORKER_ID`.
    package init(_ variable: String, flag: String?, flagName: String? = nil, in environment: [String: String]) {
        if let flag, !flag.isEmpty {
            name = flagName ?? Setting.flagName(of: variable)
            value = flag
        } else {
            name = variable
            value = environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    static func flagName(of variable: String) -> String {
        let words = variable.hasPrefix("CARILLON_") ? variable.dropFirst("CARILLON_".count) : Substring(variable)
        return "--" + words.lowercased().replacing("_", with: "-")
    }

    /// A whole number within `range`.
    package func integer(default fallback: Int64, range: ClosedRange<Int64>) throws(ConfigurationError) -> Int64 {
        guard let value else { return fallback }
        guard let number = Int64(value), range.contains(number) else {
            throw refusal("give a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// One of a closed set of words.
    package func oneOf(default fallback: String, allowed: [String]) throws(ConfigurationError) -> String {
        let text = value ?? fallback
        guard allowed.contains(text) else { throw refusal("give one of \(allowed.joined(separator: ", "))") }
        return text
    }

    /// The error for this value: its name, the value and the remedy.
    package func refusal(_ remedy: String) -> ConfigurationError {
        ConfigurationError("\(name) is \"\(value ?? "")\"; \(remedy)")
    }
}
