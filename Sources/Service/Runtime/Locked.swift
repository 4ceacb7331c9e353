import NIOConcurrencyHelpers

/// A value that threads share, behind a pthread mutex.
///
/// Not `Synchronization.Mutex`: ThreadSanitizer reports that one falsely on Linux.
package final class Locked<Value>: @unchecked Sendable {
    // Every access to `stored` is made with the lock held.
    private let lock = NIOLock()
    private var stored: Value

    package init(_ value: Value) { stored = value }

    package func withLock<T>(_ body: (inout Value) throws -> T) rethrows -> T {
        lock.lock()
        defer { lock.unlock() }
        return try body(&stored)
    }

    package var value: Value {
        get { withLock { $0 } }
        set { withLock { $0 = newValue } }
    }
}
