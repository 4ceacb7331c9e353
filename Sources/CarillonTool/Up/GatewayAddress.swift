import Foundation

/// Where the gateway listens, once it has said so.
final class GatewayAddress: @unchecked Sendable {
    // Safe to share: `stored` is read and written with `lock` held.
    private let lock = NSLock()
    private var stored: String?

    /// `host:port`, nil until it is known.
    var value: String? { lock.withLock { stored } }

    /// Takes the address from the file that the gateway writes; false while there is none.
    func read(_ path: String) -> Bool {
        guard let data = FileManager.default.contents(atPath: path) else { return false }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.contains(":") else { return false }
        lock.withLock { stored = GatewayAddress.reachable(text) }
        return true
    }

    /// An address that a client can use: a listener on all interfaces is reached by loopback.
    static func reachable(_ address: String) -> String {
        for (all, loopback) in [("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")] where address.hasPrefix(all) {
            return loopback + address.dropFirst(all.count)
        }
        return address
    }
}
