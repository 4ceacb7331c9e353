package import Metrics

/// Holds the process's metrics and renders them in the text format of Prometheus.
///
/// Memory is bounded: beyond the limit, and where one name is used for two kinds, a metric goes nowhere and is counted
/// in `carillon_metrics_refused_total`. Timers are histograms of seconds.
package final class PrometheusRegistry: MetricsFactory {
    private struct Family {
        let kind: PrometheusSeries.Kind
        var series: [String: PrometheusSeries] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var count = 0
        var refused = 0
    }

    private let state = Locked(State())
    private let limit: Int

    /// - Parameter limit: the most series, that is pairs of a name and its labels.
    package init(limit: Int = 2000) { self.limit = limit }

    /// All metrics, sorted by name and labels.
    package var text: String {
        let (families, refused) = state.withLock { ($0.families, $0.refused) }
        var lines: [String] = []
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            lines.append("# TYPE \(name) \(family.kind.name)")
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                lines += series.lines(name: name, labels: labels)
            }
        }
        if refused > 0 {
            lines += ["# TYPE carillon_metrics_refused_total counter", "carillon_metrics_refused_total \(refused)"]
        }
        return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
    }

    private func series(
        _ name: String,
        _ dimensions: [(String, String)],
        _ kind: PrometheusSeries.Kind
    ) -> PrometheusSeries? {
        let labels = PrometheusText.labels(dimensions)
        return state.withLock { state in
            if let family = state.families[name] {
                guard family.kind.name == kind.name else {
                    state.refused += 1
                    return nil
                }
                if let series = family.series[labels] { return series }
            }
            guard state.count < limit else {
                state.refused += 1
                return nil
            }
            let series = PrometheusSeries(kind: kind, name: name, labels: labels)
            state.families[name, default: Family(kind: kind)].series[labels] = series
            state.count += 1
            return series
        }
    }

    private func remove(_ handler: AnyObject) {
        guard let series = handler as? PrometheusSeries else { return }
        state.withLock { state in
            guard state.families[series.name]?.series[series.labels] === series else { return }
            state.families[series.name]?.series[series.labels] = nil
            state.count -= 1
            if state.families[series.name]?.series.isEmpty == true { state.families[series.name] = nil }
        }
    }

    // MARK: - MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(PrometheusText.name(label), dimensions, .counter) ?? NOOPMetricsHandler.instance
    }

    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(PrometheusText.name(label), dimensions, .counter) ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(PrometheusText.name(label), dimensions, .gauge) ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let kind = aggregate ? PrometheusSeries.Kind.histogram(PrometheusSeries.sizes) : .gauge
        return series(PrometheusText.name(label), dimensions, kind) ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = PrometheusText.name(label)
        let withUnit = name.hasSuffix("_seconds") ? name : name + "_seconds"
        return series(withUnit, dimensions, .histogram(PrometheusSeries.seconds)) ?? NOOPMetricsHandler.instance
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}
