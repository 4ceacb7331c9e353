import Glibc

/// Ties a daemon's life to its parent's, so that no daemon outlives a `carillon up` that was killed.
///
/// Asked for by `CARILLON_DIE_WITH_PARENT`: `1`, or better the parent's process id, which also covers a parent that
/// died before we could ask. The kernel then sends SIGUSR2 when the parent ends.
struct ParentProcess: Sendable {
    private let identifier: pid_t

    /// Nil when the environment does not ask for it.
    init?(environment: [String: String]) throws(ConfigurationError) {
        let wish = Setting("CARILLON_DIE_WITH_PARENT", flag: nil, in: environment)
        guard let text = wish.value, text != "0" else { return nil }
        guard let number = pid_t(text), number > 0 else { throw wish.refusal("give 1, or the parent's process id") }
        identifier = number > 1 ? number : getppid()
    }

    /// Asks the kernel for the signal. SIGUSR2 has to be handled before: its default ends the process.
    func watch() throws(StartupError) {
        // The C function takes variable arguments, which Swift does not import. Calling it through this fixed signature
        // is sound: all five arguments are integers in registers, where prctl looks for them on every Linux ABI of ours.
        typealias ProcessControl = @convention(c) (CInt, UInt, UInt, UInt, UInt) -> CInt
        let setParentDeathSignal: CInt = 1  // PR_SET_PDEATHSIG; <sys/prctl.h> is not in the Glibc module.
        guard let symbol = dlsym(nil, "prctl") else { throw StartupError("prctl is missing from the C library") }
        let control = unsafeBitCast(symbol, to: ProcessControl.self)
        guard control(setParentDeathSignal, UInt(SIGUSR2), 0, 0, 0) == 0 else {
            throw StartupError("prctl(PR_SET_PDEATHSIG) failed: \(String(cString: strerror(errno)))")
        }
        if isGone { throw StartupError("the process that started it is gone") }
    }

    /// Whether the parent has ended.
    ///
    /// The kernel sends its signal when the *thread* that started us ends, so a signal alone proves nothing; a changed
    /// parent does. The signal comes again when the process ends.
    var isGone: Bool { getppid() != identifier }
}
