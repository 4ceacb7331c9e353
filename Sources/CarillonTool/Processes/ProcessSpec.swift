/// A program to run, and with what.
struct ProcessSpec: Sendable, Hashable {
    var program: String
    var arguments: [String] = []
    /// The whole environment.
    var environment: [String: String]
    /// Where stdout and stderr are appended.
    var log: String
    /// What it gets when this process dies.
    var deathSignal: Int32
}

/// How a process ended.
enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)

    var description: String {
        switch self {
        case .exited(let status): "status \(status)"
        case .killed(let signal): "signal \(signal)"
        }
    }
}
