import Contracts

/// What the writer knows without asking the file. Touched inside turns only.
struct LogMemory {
    /// The position and chain of the last event, 0 and the genesis value for an empty log.
    var head: Int64
    var chain: Hash
    /// Up to here the next opening need not look.
    var verified: Int64
    /// When the next timer is due; nil when none is armed.
    var nextDue: Timestamp?
    var commits: Int64 = 0
    var salts = SaltSource()
    var hasher = EventChain()

    /// The versions of the streams that were written lately. Emptied when full: then each costs one look-up again.
    private var versions: [String: Int64] = [:]
    private static let versionsLimit = 65_536

    init(head: Int64, chain: Hash, verified: Int64) {
        self.head = head
        self.chain = chain
        self.verified = verified
    }

    func version(of stream: String) -> Int64? { versions[stream] }

    mutating func setVersion(_ version: Int64, of stream: String) {
        if versions.count >= LogMemory.versionsLimit { versions.removeAll(keepingCapacity: true) }
        versions[stream] = version
    }

    mutating func forgetVersions() { versions.removeAll(keepingCapacity: true) }
}
