import Foundation

/// TCP ports of the loopback address.
enum FreePort {
    /// `count` different ports that nobody listens on at the moment.
    static func find(_ count: Int) -> [Int] {
        // All are held until all are chosen, so that they differ.
        let sockets = (0..<count).compactMap { _ in bound(to: 0) }
        defer { for (descriptor, _) in sockets { close(descriptor) } }
        return sockets.map(\.port)
    }

    static func isFree(_ port: Int) -> Bool {
        guard let (descriptor, _) = bound(to: port) else { return false }
        close(descriptor)
        return true
    }

    /// Whether an AMQP broker answers at the port: it greets with a method frame.
    static func brokerAnswers(host: String = "127.0.0.1", port: Int) -> Bool {
        guard let descriptor = connected(host, port) else { return false }
        defer { close(descriptor) }
        let greeting: [UInt8] = [0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1]
        guard send(descriptor, greeting, greeting.count, Int32(MSG_NOSIGNAL)) == greeting.count else {
            return false
        }
        var first: UInt8 = 0
        let methodFrame: UInt8 = 1
        return recv(descriptor, &first, 1, 0) == 1 && first == methodFrame
    }

    /// Whether anybody accepts connections there.
    static func accepts(host: String, port: Int) -> Bool {
        guard let descriptor = connected(host, port) else { return false }
        close(descriptor)
        return true
    }

    private static func connected(_ host: String, _ port: Int) -> Int32? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        var next = list
        while let info = next?.pointee {
            next = info.ai_next
            let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { continue }
            var limit = timeval(tv_sec: 2, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            if connect(descriptor, info.ai_addr, info.ai_addrlen) == 0 { return descriptor }
            close(descriptor)
        }
        return nil
    }

    private static func bound(to port: Int) -> (descriptor: Int32, port: Int)? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard done else {
            close(descriptor)
            return nil
        }
        return (descriptor, Int(in_port_t(bigEndian: address.sin_port)))
    }
}
