package import Hummingbird
import NIOCore

/// What the server knows of a request beside the request: where it came from.
package struct ClientContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The address of the other end of the connection.
    package let peer: ClientAddress

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.channel.remoteAddress?.ipAddress.flatMap { ClientAddress($0) } ?? .unknown
    }
}
