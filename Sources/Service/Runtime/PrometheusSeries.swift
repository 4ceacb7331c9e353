import Metrics

/// One metric with its labels: a counter, a gauge or a histogram.
final class PrometheusSeries: Sendable {
    enum Kind: Sendable {
        case counter, gauge
        /// With the upper bounds of its buckets, rising.
        case histogram([Double])

        var name: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    private struct Value {
        /// The value, or the sum of a histogram.
        var number = 0.0
        /// How many fell into each bucket, the last without a bound.
        var buckets: [UInt64]
    }

    static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    static let sizes: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000, 1_000_000]

    let name: String
    let labels: String
    private let kind: Kind
    private let value: Locked<Value>

    init(kind: Kind, name: String, labels: String) {
        self.kind = kind
        self.name = name
        self.labels = labels
        guard case .histogram(let bounds) = kind else {
            value = Locked(Value(buckets: []))
            return
        }
        value = Locked(Value(buckets: Array(repeating: 0, count: bounds.count + 1)))
    }

    private func observe(_ number: Double) {
        guard case .histogram(let bounds) = kind else { return set(number) }
        let index = bounds.firstIndex { number <= $0 } ?? bounds.count
        value.withLock { value in
            value.number += number
            value.buckets[index] += 1
        }
    }

    func lines(name: String, labels: String) -> [String] {
        let value = value.value
        guard case .histogram(let bounds) = kind else {
            return ["\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(PrometheusText.number(value.number))"]
        }
        let before = labels.isEmpty ? "" : labels + ","
        let suffix = labels.isEmpty ? "" : "{\(labels)}"
        var count: UInt64 = 0
        var lines: [String] = []
        for (bound, inBucket) in zip(bounds + [.infinity], value.buckets) {
            count += inBucket
            lines.append("\(name)_bucket{\(before)le=\"\(PrometheusText.number(bound))\"} \(count)")
        }
        return lines + [
            "\(name)_sum\(suffix) \(PrometheusText.number(value.number))", "\(name)_count\(suffix) \(count)",
        ]
    }
}

extension PrometheusSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    func increment(by amount: Int64) { increment(by: Double(amount)) }
    func increment(by amount: Double) {
        // A counter never falls.
        if case .counter = kind, !(amount >= 0) { return }
        value.withLock { $0.number += amount }
    }
    func decrement(by amount: Double) { value.withLock { $0.number -= amount } }
    func reset() { value.withLock { $0.number = 0 } }
    func set(_ number: Int64) { set(Double(number)) }
    func set(_ number: Double) { value.withLock { $0.number = number } }
    func record(_ number: Int64) { observe(Double(number)) }
    func record(_ number: Double) { observe(number) }
    func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1_000_000_000) }
}

/// The words of the text format.
enum PrometheusText {
    /// A name with what is not allowed in it replaced.
    static func name(_ text: String) -> String { sanitised(text, allowsColon: true) }

    /// `key="value",…`, sorted; of two equal keys the later counts.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var values: [String: String] = [:]
        for (key, value) in dimensions {
            let name = sanitised(key, allowsColon: false)
            // The format's own label of histograms.
            values[name == "le" ? "le_" : name] = escaped(value)
        }
        return values.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ",")
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value == value.rounded() && abs(value) < 9e15 ? String(Int64(value)) : String(value)
    }

    private static func sanitised(_ text: String, allowsColon: Bool) -> String {
        let name = String(
            text.unicodeScalars.map { scalar -> Character in
                let isWord = scalar.isASCII && (scalar.properties.isAlphabetic || (48...57).contains(scalar.value))
                return isWord || scalar == "_" || allowsColon && scalar == ":" ? Character(scalar) : "_"
            }
        )
        guard let first = name.first else { return "_" }
        return first.isNumber ? "_" + name : name
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
