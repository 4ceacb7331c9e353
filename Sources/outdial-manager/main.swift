import OutdialManager
import Service

await Daemon.main(name: "outdial-manager", OutdialManagerOptions.self) { options, context in
    try await buildOutdialManager(options, context)
}
