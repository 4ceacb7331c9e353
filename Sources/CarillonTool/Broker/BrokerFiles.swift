import Contracts
import Foundation

/// The files of a private broker, and the environment that makes RabbitMQ use them and nothing else.
struct BrokerFiles: Sendable {
    let directory: String
    let settings: BrokerSettings
    /// Beside the administrator.
    let users: [BrokerUser]

    /// Debian's script that becomes the broker itself: `/usr/sbin/rabbitmq-server` would change to the user `rabbitmq`.
    static let program = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    static let nameServer = "/usr/bin/epmd"

    static func settingsPath(_ directory: String) -> String { directory + "/settings.json" }

    /// Whether the broker has never run here.
    static func isFresh(_ directory: String) -> Bool { access(directory + "/mnesia", F_OK) != 0 }

    /// The settings of an earlier start with ports that are free, or new ones.
    static func settings(in directory: String) throws -> BrokerSettings {
        let path = settingsPath(directory)
        guard let data = FileManager.default.contents(atPath: path) else {
            guard isFresh(directory) else {
                throw ToolError.failed(
                    "\(path) is missing, but the broker has data; restore it, or remove \(directory)"
                )
            }
            return .makeNew()
        }
        do {
            var settings = try BrokerSettings(json: try JSONValue(parsing: data))
            settings.replaceTakenPorts()
            return settings
        } catch {
            throw ToolError.failed("\(path) cannot be read (\(error)); restore it, or remove \(directory)")
        }
    }

    /// Writes all files; only this user can read them.
    func write() throws {
        for name in ["", "/log"] { try PrivateFile.makeDirectory(directory + name) }
        try PrivateFile.write(settings.json.text + "\n", to: BrokerFiles.settingsPath(directory))
        try PrivateFile.write(configuration, to: directory + "/rabbitmq.conf")
        try PrivateFile.write(definitions.text + "\n", to: directory + "/definitions.json")
        try PrivateFile.write(advanced, to: directory + "/advanced.config")
        try PrivateFile.write("[].\n", to: directory + "/enabled_plugins")
        // Whoever knows the cookie controls the broker. It is made once: a running node would not know another.
        let cookie = directory + "/.erlang.cookie"
        if access(cookie, F_OK) != 0 { try PrivateFile.write(BrokerSettings.randomHex(32), to: cookie) }
        chmod(cookie, 0o400)
    }

    /// Read at every start: who may do what is always as this version has it.
    private var definitions: JSONValue {
        let all = BrokerUser(
            name: settings.user,
            configure: ".*",
            write: ".*",
            read: ".*",
            isAdministrator: true
        )
        let passwords = settings.passwords.merging([settings.user: settings.password]) { $1 }
        return BrokerUser.definitions([all] + users, passwords: passwords)
    }

    /// Users come from the definitions, and `guest` never is.
    private var configuration: String {
        """
        listeners.tcp.1 = 127.0.0.1:\(settings.port)
        load_definitions = \(directory)/definitions.json
        vm_memory_high_watermark.absolute = \(memoryLimit)
        disk_free_limit.absolute = 64MB
        raft.wal_max_size_bytes = 67108864
        log.console = true
        log.console.level = info
        log.file = false

        """
    }

    private var advanced: String {
        "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 5000}]}].\n"
    }

    /// 1 GiB, or 40 % of a smaller machine.
    private var memoryLimit: Int {
        let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        return min(1 << 30, max(128 << 20, memory * 2 / 5))
    }

    /// The environment of broker and name server.
    func environment(base: [String: String]) -> [String: String] {
        var environment = base.filter { !$0.key.hasPrefix("RABBITMQ_") && !$0.key.hasPrefix("ERL_") }
        environment["NOTIFY_SOCKET"] = nil
        let own = [
            "HOME": directory,
            "ERL_EPMD_PORT": "\(settings.epmdPort)",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": settings.nodeName,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": "\(settings.port)",
            "RABBITMQ_DIST_PORT": "\(settings.distributionPort)",
            "RABBITMQ_MNESIA_BASE": directory + "/mnesia",
            "RABBITMQ_LOG_BASE": directory + "/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": directory + "/rabbitmq",
            "RABBITMQ_ADVANCED_CONFIG_FILE": directory + "/advanced",
            "RABBITMQ_CONF_ENV_FILE": directory + "/none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": directory + "/enabled_plugins",
            // Other nodes are on this machine alone.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1}",
            // Makes the script become the broker, so that its process id is the broker's.
            "RUNNING_UNDER_SYSTEMD": "true",
            BrokerProcesses.mark: directory,
        ]
        environment.merge(own) { _, new in new }
        return environment
    }
}
