import FoundationEssentials
package import OutdialDomain
package import Service

/// The rules of time zones as this machine has them, each file read once.
///
/// They belong to the operating system (the package tzdata), so that a change of some country's law arrives with its
/// updates; a daemon takes notice when it starts.
package final class ZoneFiles: Sendable {
    package let directory: String
    private let known = Locked<[String: ZoneRules?]>([:])

    package static let defaultDirectory = "/usr/share/zoneinfo"

    package init(directory: String = defaultDirectory) { self.directory = directory }

    /// Throws when the directory has no zones at all: then everybody's zone would be unknown.
    package func check() throws(ConfigurationError) {
        guard rules("Europe/Berlin") != nil else {
            throw ConfigurationError("\(directory) has no time zones; install the package tzdata")
        }
    }

    /// The rules of one zone; nil when there is no such file, or it cannot be understood.
    package func rules(_ name: String) -> ZoneRules? {
        if let known = known.withLock({ $0[name] }) { return known }
        let rules = read(name)
        known.withLock { $0[name] = .some(rules) }
        return rules
    }

    private func read(_ name: String) -> ZoneRules? {
        guard !name.isEmpty, !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else { return nil }
        guard let bytes = try? Data(contentsOf: URL(filePath: "\(directory)/\(name)")) else { return nil }
        return try? ZoneRules(file: [UInt8](bytes))
    }
}
