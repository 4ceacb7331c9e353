import Glibc
import NIOPosix

/// Looks hosts up with the system's resolver, on threads of its own: it blocks.
final class Resolver: Sendable {
    private let threads: NIOThreadPool

    init(threads count: Int = 8) {
        threads = NIOThreadPool(numberOfThreads: count)
        threads.start()
    }

    func shutDown() async { try? await threads.shutdownGracefully() }

    /// All addresses of `host`, in the system's order; empty when there is none. A cancelled task waits no longer.
    func addresses(of host: String) async -> [IPAddress] {
        if let address = IPAddress(host) { return [address] }
        let (stream, continuation) = AsyncStream.makeStream(of: [IPAddress].self)
        threads.submit { state in
            if case .active = state { continuation.yield(Resolver.look(up: host)) }
            continuation.finish()
        }
        for await addresses in stream { return addresses }
        return []
    }

    private static func look(up host: String) -> [IPAddress] {
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
