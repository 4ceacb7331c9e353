import Contracts
import EventLog
import GRDB

/// Writes a slice, line by line.
struct SliceExport {
    private let scope: SliceScope
    private let directory: LogDirectory
    private let selection: SliceSelection
    private var masking: EventMasking?
    private static let batch = 500

    /// - Parameter pseudonyms: for a masked slice.
    init(_ scope: SliceScope, of directory: LogDirectory, pseudonyms: Pseudonyms?) throws {
        self.scope = scope
        self.directory = directory
        selection = try SliceSelection(scope, in: directory)
        masking = pseudonyms.map { EventMasking($0) }
    }

    /// Hands each line to `write`, with its newline; answers with the number of events.
    mutating func run(_ write: ([UInt8]) throws -> Void) throws -> Int {
        var logs: [(log: LogDirectory.Log, positions: [Int64])] = []
        var heads: [SliceFormat.Log] = []
        for log in directory.logs {
            let positions = try selection.positions(in: log)
            var schemas: [String: Set<Int>] = [:]
            for batch in SliceExport.batches(positions) {
                for stored in try log.reader.storedEvents(at: batch) {
                    schemas[stored.event.type, default: []].insert(stored.event.schema)
                    masking?.learn(stored.event)
                }
            }
            logs.append((log, positions))
            heads.append(
                SliceFormat.Log(
                    name: log.name,
                    logID: log.reader.logID,
                    head: try log.reader.head(),
                    events: positions.count,
                    schemas: schemas,
                    partial: selection.partial(in: log.name).sorted(),
                    leftOut: try selection.leftOut(of: log)
                )
            )
        }
        if let masking {
            for index in heads.indices { heads[index].partial = heads[index].partial.map(masking.stream) }
        }
        try write(SliceFormat.header(scope, isMasked: masking != nil, heads).bytes + [UInt8(ascii: "\n")])
        for (log, positions) in logs { try writeEvents(log, positions, write) }
        return logs.reduce(0) { $0 + $1.positions.count }
    }

    private func writeEvents(
        _ log: LogDirectory.Log,
        _ positions: [Int64],
        _ write: ([UInt8]) throws -> Void
    ) throws {
        var last: Int64 = -1
        var chain: [UInt8] = []
        for batch in SliceExport.batches(positions) {
            for stored in try log.reader.storedEvents(at: batch) {
                let position = stored.event.position
                var prior: [UInt8]?
                if position != last + 1 {
                    prior = try log.reader.chain(at: position - 1)
                    // A slice of a slice: what is before the run, that one knows.
                    if prior == nil { prior = log.slice?.priorBytes(of: position) }
                    guard let prior else {
                        throw ToolError.failed(
                            "\(log.name):\(position - 1) is missing, without which the next event proves nothing; run verify"
                        )
                    }
                    chain = prior
                }
                let shown = masking?.apply(stored, after: chain) ?? stored
                try write(SliceFormat.line(log.name, shown, prior: prior).bytes + [UInt8(ascii: "\n")])
                chain = shown.chain
                last = position
            }
        }
    }

    private static func batches(_ positions: [Int64]) -> [ArraySlice<Int64>] {
        stride(from: 0, to: positions.count, by: batch).map { positions[$0..<min($0 + batch, positions.count)] }
    }
}
