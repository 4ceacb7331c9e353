import Contracts

extension LogMemory {
    /// Inserts `event` behind the head and moves the head; false when a constraint refused the row.
    ///
    /// The statement reads texts, ids and data where they lie: most of them in the very bytes that the chain has hashed.
    mutating func insert(_ event: RecordedEvent, _ data: [UInt8], with statement: PreparedStatement) throws -> Bool {
        let salt = salts.next()
        let previous = chain
        let link = try data.withUnsafeBytes { data in
            try withUnsafeBytes(of: salt) { salt -> Hash? in
                let dataHash = hasher.dataHash(salt: salt, data: data)
                let header = hasher.header(of: event, after: previous)
                let link = hasher.finish(dataHash)
                let isInserted = try hasher.withBytes { bytes in
                    statement.bind(header, in: bytes)
                    statement.bind(lasting: data, at: 11)
                    statement.bind(lasting: salt, at: 12)
                    statement.bind(dataHash, at: 13)
                    statement.bind(link, at: 14)
                    return try statement.runUnlessConstrained()
                }
                return isInserted ? link : nil
            }
        }
        guard let link else { return false }
        head = event.position
        chain = link
        return true
    }
}

/// An event's header fields, and where their bytes are among those that the chain hashes.
private struct Header {
    var event: RecordedEvent
    var stream: Range<Int>
    var type: Range<Int>
    var id: Range<Int>
    var correlation: Range<Int>
    var causation: Range<Int>
    var actor: Range<Int>
}

extension EventChain {
    /// Starts the link of `event`: all but the hash of its data.
    fileprivate mutating func header(of event: RecordedEvent, after previous: Hash) -> Header {
        begin(after: previous)
        field(event.position)
        let stream = field(event.stream)
        field(event.version)
        let type = field(event.type)
        field(Int64(event.schema))
        let id = field(event.id)
        let correlation = field(event.correlation)
        let causation = field(event.causation)
        field(event.recordedAt.microseconds)
        let actor = field(event.actor)
        return Header(
            event: event,
            stream: stream,
            type: type,
            id: id,
            correlation: correlation,
            causation: causation,
            actor: actor
        )
    }
}

extension PreparedStatement {
    /// Binds the first ten columns of an event; `bytes` must last until it has run.
    fileprivate func bind(_ header: Header, in bytes: UnsafeRawBufferPointer) {
        func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }
        bind(header.event.position, at: 1)
        bind(lastingText: part(header.stream), at: 2)
        bind(header.event.version, at: 3)
        bind(lastingText: part(header.type), at: 4)
        bind(Int64(header.event.schema), at: 5)
        bind(lasting: part(header.id), at: 6)
        bind(lasting: part(header.correlation), at: 7)
        if header.causation.isEmpty { bindNull(at: 8) } else { bind(lasting: part(header.causation), at: 8) }
        bind(header.event.recordedAt.microseconds, at: 9)
        bind(lastingText: part(header.actor), at: 10)
    }
}
