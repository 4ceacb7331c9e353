import Foundation

/// Something that did not happen in time, as a sentence.
struct Failure: Error, CustomStringConvertible {
    let description: String
}

/// Waits until `condition` holds, asking again every 50 ms; throws when `limit` has passed.
///
/// An error of the condition counts as "not yet" (a daemon may just be restarting) and is named at the end.
func eventually(_ what: String, within limit: Duration, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + limit
    var last: (any Error)?
    while true {
        do {
            if try await condition() { return }
            last = nil
        } catch {
            last = error
        }
        guard ContinuousClock.now < end else {
            let why = last.map { ": \($0)" } ?? ""
            throw Failure(description: "not within \(limit.components.seconds) s: \(what)\(why)")
        }
        try await Task.sleep(for: .milliseconds(50))
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
