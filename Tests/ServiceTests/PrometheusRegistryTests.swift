import Metrics
import Testing

@testable import Service

@Suite struct PrometheusRegistryTests {
    private let registry = PrometheusRegistry()

    private func lines() -> [String] { registry.text.split(separator: "\n").map(String.init) }

    @Test func countersAndGaugesAreSorted() {
        Meter(label: "b_gauge", dimensions: [], factory: registry).set(1.5)
        let counter = Counter(label: "a_total", dimensions: [("z", "1"), ("k", "v")], factory: registry)
        counter.increment()
        counter.increment(by: 2)
        Counter(label: "a_total", dimensions: [], factory: registry).increment()
        FloatingPointCounter(label: "c", dimensions: [], factory: registry).increment(by: 0.25)
        #expect(
            lines() == [
                "# TYPE a_total counter", "a_total 1", "a_total{k=\"v\",z=\"1\"} 3", "# TYPE b_gauge gauge",
                "b_gauge 1.5",
                "# TYPE c counter", "c 0.25",
            ]
        )
    }

    @Test func namesAndLabelsAreMadeFit() {
        Meter(label: "9a.b-c", dimensions: [("la.bel", "q\"b\\n\n"), ("le", "x")], factory: registry).set(1)
        #expect(lines() == ["# TYPE _9a_b_c gauge", #"_9a_b_c{la_bel="q\"b\\n\n",le_="x"} 1"#])
    }

    @Test func timersAreHistogramsOfSeconds() {
        let timer = Timer(label: "turn", dimensions: [("k", "v")], factory: registry)
        timer.recordMilliseconds(3)
        timer.recordSeconds(100)
        let lines = lines()
        #expect(lines.first == "# TYPE turn_seconds histogram")
        #expect(lines.contains("turn_seconds_bucket{k=\"v\",le=\"0.0025\"} 0"))
        #expect(lines.contains("turn_seconds_bucket{k=\"v\",le=\"0.005\"} 1"))
        #expect(lines.contains("turn_seconds_bucket{k=\"v\",le=\"60\"} 1"))
        #expect(lines.contains("turn_seconds_bucket{k=\"v\",le=\"+Inf\"} 2"))
        #expect(lines.contains("turn_seconds_sum{k=\"v\"} 100.003"))
        #expect(lines.contains("turn_seconds_count{k=\"v\"} 2"))
    }

    @Test func recordersAreHistogramsOrGauges() {
        Recorder(label: "size", dimensions: [], aggregate: true, factory: registry).record(3)
        Recorder(label: "last", dimensions: [], aggregate: false, factory: registry).record(4)
        #expect(lines().contains("size_bucket{le=\"5\"} 1"))
        #expect(lines().contains("last 4"))
    }

    @Test func itIsBounded() {
        let registry = PrometheusRegistry(limit: 2)
        for number in 0..<5 { Counter(label: "n", dimensions: [("i", "\(number)")], factory: registry).increment() }
        #expect(registry.text.contains("n{i=\"1\"} 1\n"))
        #expect(!registry.text.contains("n{i=\"2\"}"))
        #expect(registry.text.hasSuffix("carillon_metrics_refused_total 3\n"))
    }

    @Test func oneNameHasOneKind() {
        Counter(label: "n", dimensions: [], factory: registry).increment()
        Meter(label: "n", dimensions: [], factory: registry).set(9)
        #expect(lines().prefix(2) == ["# TYPE n counter", "n 1"])
    }

    @Test func whatIsDestroyedIsGone() {
        let counter = Counter(label: "n", dimensions: [], factory: registry)
        counter.increment()
        counter.destroy()
        #expect(registry.text.isEmpty)
    }
}
