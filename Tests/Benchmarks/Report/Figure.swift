import Contracts

/// What several measurements of one thing came to.
struct Figure: Sendable {
    var median: Double
    var min: Double
    var max: Double

    /// - Parameter samples: at least one.
    init(_ samples: [Double]) {
        precondition(!samples.isEmpty, "a figure needs a sample")
        let sorted = samples.sorted()
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        min = sorted[0]
        max = sorted[sorted.count - 1]
    }

    var json: JSONValue { ["median": .double(median), "min": .double(min), "max": .double(max)] }
}

/// One line of the report: a thing of ours, beside what plain C makes of the same work.
struct BenchResult: Sendable {
    var name: String
    var unit: String
    var ours: Figure
    /// nil when there is nothing to compare with.
    var floor: Figure?
    /// Of the pairs, one by one; nil without a floor.
    var ratio: Figure?
    var note: String

    /// A figure without a floor.
    init(_ name: String, _ unit: String, _ samples: [Double], note: String = "") {
        self.name = name
        self.unit = unit
        self.note = note
        ours = Figure(samples)
    }

    /// A figure with its floor; of both, more is better. The samples are pairs.
    init(_ name: String, _ unit: String, _ pairs: [Pair], note: String = "") {
        self.init(name, unit, pairs.map(\.ours), note: note)
        floor = Figure(pairs.map(\.floor))
        ratio = Figure(pairs.map { $0.ours / $0.floor })
    }

    var json: JSONValue {
        [
            "name": .string(name), "unit": .string(unit), "ours": ours.json, "floor": floor?.json ?? .null,
            "ratio": ratio?.json ?? .null, "note": .string(note),
        ]
    }
}

/// Two measurements, one right after the other.
struct Pair: Sendable {
    var ours: Double
    var floor: Double

    /// Measures both in turn, `count` times: what the machine does meanwhile happens to both.
    static func interleaved(
        _ count: Int,
        ours: () async throws -> Double,
        floor: () async throws -> Double
    ) async throws -> [Pair] {
        var pairs: [Pair] = []
        for _ in 0..<count {
            try Stopper.shared.check()
            let first = try await ours()
            pairs.append(Pair(ours: first, floor: try await floor()))
        }
        return pairs
    }

    /// The rates of `count` pairs, where `ours` and `floor` answer the seconds that they took for a part of the work.
    ///
    /// A pair takes turns after each part, since a disk can be ten times slower in one second than in the next.
    static func rates(
        _ count: Int,
        ofParts amount: Int,
        ours: () async throws -> Double,
        floor: () async throws -> Double
    ) async throws -> [Pair] {
        let partsOfPair = 4
        let parts = try await interleaved(count * partsOfPair, ours: ours, floor: floor)
        return stride(from: 0, to: parts.count, by: partsOfPair).map { start in
            let pair = parts[start..<start + partsOfPair]
            let total = Double(amount * partsOfPair)
            return Pair(ours: total / pair.map(\.ours).reduce(0, +), floor: total / pair.map(\.floor).reduce(0, +))
        }
    }
}

/// Seconds that `body` took.
func seconds(_ body: () async throws -> Void) async rethrows -> Double {
    let start = ContinuousClock.now
    try await body()
    return (ContinuousClock.now - start).inSeconds
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
