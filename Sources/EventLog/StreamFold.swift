import Contracts
import GRDB
import Glibc

/// The replay of one stream, event by event.
///
/// It reads the columns of a row as they lie in memory: a copy of each as a value of its own would cost as much as the
/// replay itself.
struct StreamFold<A: Aggregate> {
    /// The name of the stream, UTF-8.
    private(set) var stream: [UInt8] = []
    /// Nil when the name does not end in an id: then it is no stream of an aggregate.
    private(set) var id: ID?
    private(set) var state: A?
    private(set) var version: Int64 = 0
    /// The position of its last event.
    private(set) var position: Int64 = 0
    /// False once an event could not be read, because it was erased or is not understood.
    private(set) var isComplete = true
    private var types = TypeNames()

    /// The columns that a row has to begin with.
    static var columns: String { "stream, version, position, type, schema, recorded_at, data" }

    /// Whether `row` belongs to another stream than the one that is being folded.
    func isAnother(_ row: PreparedStatement) -> Bool { !isSame(row.bytes(0), stream) }

    /// Begins with the stream of `row`.
    mutating func begin(_ row: PreparedStatement) {
        stream.removeAll(keepingCapacity: true)
        stream.append(contentsOf: row.bytes(0))
        id = stream.count < 36 ? nil : stream.withUnsafeBufferPointer { ID(canonical: .init(rebasing: $0.suffix(36))) }
        state = nil
        isComplete = true
    }

    /// Applies the event in `row`; answers what is wrong with it.
    mutating func apply(_ row: PreparedStatement) -> String? {
        version = row.integer(1)
        position = row.integer(2)
        guard isComplete else { return nil }
        guard !row.isNull(6) else {
            isComplete = false
            return nil
        }
        let type = types.name(row.bytes(3))
        do {
            let json = try JSONValue(parsing: row.bytes(6).assumingMemoryBound(to: UInt8.self))
            let event = try A.Event(type: type, schema: Int(row.integer(4)), json: json)
            A.evolve(&state, event, at: Timestamp(microseconds: row.integer(5)))
            return nil
        } catch {
            isComplete = false
            return "\(String(decoding: stream, as: UTF8.self)): event \(type) cannot be read: \(error)"
        }
    }
}

/// Whether both hold the same bytes.
func isSame(_ left: UnsafeRawBufferPointer, _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return right.withUnsafeBytes { right in
        right.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, right.count) == 0
    }
}

/// The few names that the events of a category have, each made into a string once.
struct TypeNames {
    private var known: [(bytes: [UInt8], name: String)] = []

    mutating func name(_ bytes: UnsafeRawBufferPointer) -> String {
        if let found = known.first(where: { isSame(bytes, $0.bytes) }) { return found.name }
        let name = String(decoding: bytes, as: UTF8.self)
        if known.count < 64 { known.append((Array(bytes), name)) }
        return name
    }
}
