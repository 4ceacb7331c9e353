import Dispatch
import Foundation

/// SIGINT, SIGTERM and SIGHUP as a stream; from its creation on they no longer end the process.
final class StopSignals: @unchecked Sendable {
    // Safe to share: the members never change; the sources are only kept alive here.
    let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.stream = stream
        let queue = DispatchQueue(label: "carillon.signals")
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            signal(number, SIG_IGN)
            return source
        }
    }
}
