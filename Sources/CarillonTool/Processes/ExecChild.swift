import Foundation

/// What a child process runs before it becomes the program that is asked for.
///
/// A step of its own because only the child itself can ask to be killed with its parent, and because nothing but
/// `exec` is safe between `fork` and `exec` in a process with threads.
enum ExecChild {
    static let name = "exec-child"

    /// The arguments after the name of this program: signal, parent's process id, program, its arguments.
    static func arguments(deathSignal: Int32, parent: pid_t, program: String, _ arguments: [String]) -> [String] {
        [name, String(deathSignal), String(parent), program] + arguments
    }

    /// Becomes the program, in a session of its own so that the terminal's Ctrl-C does not reach it.
    static func run(_ arguments: [String]) -> Never {
        guard arguments.count >= 3, let deathSignal = Int32(arguments[0]), let parent = pid_t(arguments[1]) else {
            Terminal.writeError("carillon: \(name) is for `carillon up` alone\n")
            exit(78)
        }
        guard dieWithParent(deathSignal) else {
            Terminal.writeError("carillon: this system cannot end a program together with its parent\n")
            exit(1)
        }
        // The parent may have ended before the line above.
        guard getppid() == parent else { exit(1) }
        setsid()
        // What is open here is none of the program's business: locks and sockets of the parent. Closed by `exec` and not
        // before: the runtime's own threads still use some of them.
        for descriptor in 3..<Int32(min(4096, sysconf(Int32(_SC_OPEN_MAX)))) {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        // A thread of the runtime blocks signals, and `exec` would hand that on: TERM would never arrive.
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        var pointers = arguments.dropFirst(2).map { strdup($0) } + [nil]
        execv(arguments[2], &pointers)
        Terminal.writeError("carillon: \(arguments[2]) cannot be started: \(String(cString: strerror(errno)))\n")
        exit(127)
    }

    private static func dieWithParent(_ signal: Int32) -> Bool {
        let setParentDeathSignal: Int32 = 1
        return ProcessControl.call(setParentDeathSignal, UInt(signal))
    }
}

/// The system call `prctl`.
enum ProcessControl {
    /// Answers whether it was done.
    static func call(_ operation: Int32, _ argument: UInt) -> Bool {
        // Variadic in C, which Swift does not import; with four words it is called alike on every Linux.
        typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        guard let symbol = dlsym(nil, "prctl") else { return false }
        return unsafeBitCast(symbol, to: Prctl.self)(operation, argument, 0, 0, 0) == 0
    }
}
