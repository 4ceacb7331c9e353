import DialerWorker
import Service

await Daemon.main(name: "dialer-worker", WorkerOptions.self) { options, context in
    try await buildWorker(options, context)
}
