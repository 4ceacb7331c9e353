/// Typed settings: a flag if given, else the environment variable, else the default. An error names the one that was given.
///
/// `flagName` is needed where a flag does not have its variable's words.
package enum Environment {
    package static func text(_ name: String, flag: String?, in environment: [String: String]) -> String? {
        Setting(name, flag: flag, in: environment).value
    }

    package static func integer(
        _ name: String,
        flag: String?,
        flagName: String? = nil,
        in environment: [String: String],
        default value: Int64,
        range: ClosedRange<Int64>
    ) throws(ConfigurationError) -> Int64 {
        try Setting(name, flag: flag, flagName: flagName, in: environment).integer(default: value, range: range)
    }

    /// One of a closed set of words.
    package static func oneOf(
        _ name: String,
        flag: String?,
        flagName: String? = nil,
        in environment: [String: String],
        default value: String,
        allowed: [String]
    ) throws(ConfigurationError) -> String {
        try Setting(name, flag: flag, flagName: flagName, in: environment).oneOf(default: value, allowed: allowed)
    }
}
