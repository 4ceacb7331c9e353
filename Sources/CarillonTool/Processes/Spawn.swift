import Foundation

/// Starts programs by way of ``ExecChild``.
enum Spawn {
    /// Starts `spec` as a child of the calling thread.
    static func start(_ spec: ProcessSpec) -> Result<pid_t, ToolError> {
        guard access(spec.program, X_OK) == 0 else {
            return .failure(.failed("\(spec.program) cannot be run: \(String(cString: strerror(errno)))"))
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, spec.log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        // We ignore and catch signals; a child that inherits that could not be stopped.
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let line = ExecChild.arguments(
            deathSignal: spec.deathSignal,
            parent: getpid(),
            program: spec.program,
            spec.arguments
        )
        var arguments = ([Executable.current] + line).map { strdup($0) } + [nil]
        var environment = spec.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in arguments + environment { free(pointer) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, Executable.current, &actions, &attributes, &arguments, &environment)
        guard code == 0 else {
            return .failure(.failed("\(spec.program) cannot be started: \(String(cString: strerror(code)))"))
        }
        return .success(pid)
    }
}
