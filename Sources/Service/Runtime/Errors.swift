/// A wrong option, variable or file of settings: one line that names it and the remedy. Ends the process with status 78.
package struct ConfigurationError: Error, CustomStringConvertible, Sendable {
    package let message: String
    package init(_ message: String) { self.message = message }
    package var description: String { message }
    package static let exitStatus: Int32 = 78
}

/// Something outside that keeps a daemon from running: one line that says what and what to do. Status 1.
package struct StartupError: Error, CustomStringConvertible, Sendable {
    package let message: String
    package init(_ message: String) { self.message = message }
    package var description: String { message }
    package static let exitStatus: Int32 = 1
}
