package import Contracts
import Glibc
import NIOConcurrencyHelpers
import NIOPosix

/// Looks hosts up with the system's resolver, on threads of its own: it blocks.
///
/// Nobody's names take more than ``share`` of the threads, so that one customer's slow ones hold up nobody else; what
/// comes on top waits in a queue of its own, and is refused when ``queueLimit`` wait there.
package final class Resolver: Sendable {
    /// Of eight threads.
    package static let share = 2
    package static let queueLimit = 100

    package typealias Look = @Sendable (_ host: String) -> [IPAddress]

    private struct Waiting {
        var host: String
        var answer: AsyncStream<[IPAddress]>.Continuation
        var isGone: @Sendable () -> Bool
    }

    private struct Line {
        var running = 0
        var waiting: [Waiting] = []
    }

    private let threads: NIOThreadPool
    private let look: Look
    private let lines = NIOLockedValueBox<[ID: Line]>([:])

    package init(threads count: Int = 8, look: @escaping Look = Resolver.look(up:)) {
        threads = NIOThreadPool(numberOfThreads: count)
        self.look = look
        threads.start()
    }

    package func shutDown() async { try? await threads.shutdownGracefully() }

    /// All addresses of `host`, in the system's order; empty when there is none. A cancelled task waits no longer.
    /// Throws ``OutboundError/tooManyLookups`` when too many of `customer` wait.
    package func addresses(of host: String, for customer: ID) async throws(OutboundError) -> [IPAddress] {
        if let address = IPAddress(host) { return [address] }
        let (stream, continuation) = AsyncStream.makeStream(of: [IPAddress].self)
        let isGone = NIOLockedValueBox(false)
        continuation.onTermination = { _ in isGone.withLockedValue { $0 = true } }
        let asked = Waiting(host: host, answer: continuation, isGone: { isGone.withLockedValue { $0 } })
        guard enter(asked, for: customer) else { throw .tooManyLookups }
        for await addresses in stream { return addresses }
        return []
    }

    /// Begins a look-up, or has it wait; false when too many wait.
    private func enter(_ asked: Waiting, for customer: ID) -> Bool {
        let mayRun: Bool? = lines.withLockedValue { lines in
            var line = lines[customer] ?? Line()
            defer { lines[customer] = line }
            if line.running < Resolver.share {
                line.running += 1
                return true
            }
            line.waiting.removeAll { $0.isGone() }
            guard line.waiting.count < Resolver.queueLimit else { return nil }
            line.waiting.append(asked)
            return false
        }
        if mayRun == true { run(asked, for: customer) }
        return mayRun != nil
    }

    private func run(_ asked: Waiting, for customer: ID) {
        threads.submit { [self] state in
            if case .active = state { asked.answer.yield(look(asked.host)) }
            asked.answer.finish()
            if let next = leave(customer) { run(next, for: customer) }
        }
    }

    /// The next who still waits takes the place of one that is done.
    private func leave(_ customer: ID) -> Waiting? {
        lines.withLockedValue { lines in
            guard var line = lines[customer] else { return nil }
            line.waiting.removeAll { $0.isGone() }
            let next = line.waiting.isEmpty ? nil : line.waiting.removeFirst()
            if next == nil { line.running -= 1 }
            lines[customer] = line.running == 0 ? nil : line
            return next
        }
    }

    package static func look(up host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var next = list
        while let info = next?.pointee {
            next = info.ai_next
            guard let address = address(info), !found.contains(address) else { continue }
            found.append(address)
        }
        return found
    }

    private static func address(_ info: addrinfo) -> IPAddress? {
        switch info.ai_family {
        case AF_INET:
            return info.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                IPAddress(bytes: withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) })
            }
        case AF_INET6:
            return info.ai_addr.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                IPAddress(bytes: withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) })
            }
        default: return nil
        }
    }
}
