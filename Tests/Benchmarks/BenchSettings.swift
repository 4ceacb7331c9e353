/// How much is measured, and where.
struct BenchSettings: Sendable {
    /// How often each thing is measured beside its floor.
    var pairs: Int
    /// About a tenth of the work: to see that everything runs.
    var isQuick: Bool
    /// Whether a queue takes every event that is published; otherwise nobody wants them, and they are not made.
    var isListening: Bool
    /// On a disk; everything is below it.
    var directory: String
    /// Where the daemons and `carillon` are.
    var programs: String
    /// A library that counts synchronisations; nil counts none.
    var syncCounter: String?
    /// Told what is being done.
    var say: @Sendable (String) -> Void

    func amount(_ full: Int) -> Int { isQuick ? max(1, full / 10) : full }
}
