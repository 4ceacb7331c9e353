import GRDB

/// What the pieces of a verification find, in the order of the pieces and not in that of time.
final class Findings: Sendable {
    private let found: Monitor<[Result<[Violation], any Error>]>

    init(count: Int) { found = Monitor(Array(repeating: .success([]), count: count)) }

    /// Runs a piece. Damage that keeps it from going on is a finding; any other error is kept and thrown by ``all()``.
    func collect(_ index: Int, _ piece: ((Violation) -> Void) throws -> Void) {
        var violations: [Violation] = []
        var omitted = 0
        let result = Result {
            try piece { violation in
                if violations.count <= LogReport.limit { violations.append(violation) } else { omitted += 1 }
            }
        }
        switch result {
        case .success: break
        case .failure(let error as EventLogError) where error.code == .corrupt:
            violations.append(Violation(0, "file", error.message))
        case .failure(let error): return found.withLock { $0[index] = .failure(error) }
        }
        if omitted > 0 { violations.append(Violation(0, "file", "\(omitted) more like these")) }
        found.withLock { $0[index] = .success(violations) }
    }

    func all() throws -> [Violation] {
        var all: [Violation] = []
        for result in found.withLock({ $0 }) { all += try result.get() }
        // The same broken page may stop many pieces.
        var seen: Set<Violation> = []
        return all.filter { seen.insert($0).inserted }.sorted { ($0.rank, $0.position) < ($1.rank, $1.position) }
    }
}

extension Violation {
    /// What is wrong with an event comes first, what it leads to later.
    fileprivate var rank: Int { ["position", "chain", "version", "projection", "index"].firstIndex(of: kind) ?? 9 }
}
