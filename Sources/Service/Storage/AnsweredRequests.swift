package import Contracts
package import EventLog
import GRDB

/// What requests with an `Idempotency-Key` were answered, kept for 24 hours in the log's file.
///
/// An answer is stored in the commit that made it true: a request that is repeated after a crash finds both, or neither.
/// Results are kept, and refusals that another try would not change; not that somebody was too busy or not there.
package enum AnsweredRequests {
    package static let schema = [
        """
        CREATE TABLE answered_request(
            customer_id BLOB NOT NULL,
            path TEXT NOT NULL,
            key TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            answer TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            PRIMARY KEY(customer_id, path, key)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX answered_request_age ON answered_request(created_at)",
    ]

    package static let lifetime = Milliseconds.seconds(86_400)

    /// The method of a request that only has `reply` of its params stored: for answers that no turn made.
    package static let storing = "idempotency.store"

    static let pruneTimer = "answered_request"
    /// The most answers that one turn forgets.
    static let pruneLimit = 1000

    static let keyReused = Refusal(
        .failedPrecondition,
        "IDEMPOTENCY_KEY_REUSED",
        "this Idempotency-Key came with another body before; use a new key for another request"
    )

    /// The answer that the request had before, or that its key had another body; nil when it is new.
    static func answer(to request: Request, now: Timestamp, in db: Database) throws -> Reply? {
        guard let key = request.idempotency else { return nil }
        let statement = try db.cachedStatement(
            sql: """
                SELECT fingerprint, answer FROM answered_request
                WHERE customer_id = ? AND path = ? AND key = ? AND created_at > ?
                """
        )
        let row = try Row.fetchOne(
            statement,
            arguments: [request.customerID, key.path, key.key, oldest(at: now)]
        )
        guard let row else { return nil }
        guard row[0] == key.fingerprint else { return .refused(keyReused) }
        let answer: String = row[1]
        return try Reply(json: try JSONValue(parsing: Array(answer.utf8)))
    }

    static func oldest(at now: Timestamp) -> Int64 { now.microseconds - lifetime.count * 1000 }
}

extension Reply {
    /// Whether the same request would be answered like this again.
    var isLasting: Bool {
        switch self {
        case .result: true
        case .refused(let refusal):
            (400..<500).contains(refusal.status.httpCode) && refusal.status != .resourceExhausted
        }
    }
}

extension Turn {
    /// Answers `request` by `work`, or as it was answered before under the same `Idempotency-Key`.
    package func once(_ request: Request, _ work: () throws -> Reply) throws -> Reply {
        guard let key = request.idempotency else { return try work() }
        if let known = try AnsweredRequests.answer(to: request, now: now, in: try database) { return known }
        let isGiven = request.method == AnsweredRequests.storing
        let reply = try isGiven ? Reply(json: request.params["reply"]) : work()
        guard reply.isLasting else { return reply }
        try forgetAnswers(2)
        let statement = try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO answered_request VALUES (?, ?, ?, ?, ?, ?)"
        )
        try statement.execute(
            arguments: [request.customerID, key.path, key.key, key.fingerprint, reply.json.text, now]
        )
        try armTimer(kind: AnsweredRequests.pruneTimer, key: "", at: now + AnsweredRequests.lifetime + 1000)
        return reply
    }

    /// Forgets old answers when it is time; to be called in every turn.
    package func pruneAnswers() throws {
        guard dueTimers.contains(where: { $0.kind == AnsweredRequests.pruneTimer }) else { return }
        let forgotten = try forgetAnswers(AnsweredRequests.pruneLimit)
        guard forgotten == AnsweredRequests.pruneLimit else { return }
        try armTimer(kind: AnsweredRequests.pruneTimer, key: "", at: now + 1000)
    }

    /// With each new answer two old ones go, so the timer, which each one puts off, has little left to do.
    @discardableResult
    private func forgetAnswers(_ limit: Int) throws -> Int {
        let statement = try database.cachedStatement(
            sql: """
                DELETE FROM answered_request WHERE (customer_id, path, key) IN (
                    SELECT customer_id, path, key FROM answered_request WHERE created_at <= ? ORDER BY created_at LIMIT ?
                )
                """
        )
        try statement.execute(arguments: [AnsweredRequests.oldest(at: now), limit])
        return try database.changesCount
    }
}
