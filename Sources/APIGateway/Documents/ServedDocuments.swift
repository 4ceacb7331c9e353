import CDocuments
import Contracts
import NIOCore

/// The descriptions of the interfaces that this program was built with, and the page for people made of one.
struct ServedDocuments: Sendable {
    var openAPI: Answer.Document {
        Answer.Document(bytes: ByteBuffer(bytes: ServedDocuments.openAPIBytes), type: "application/yaml; charset=utf-8")
    }

    var asyncAPI: Answer.Document {
        Answer.Document(
            bytes: ByteBuffer(bytes: ServedDocuments.asyncAPIBytes),
            type: "application/yaml; charset=utf-8"
        )
    }

    /// Made once, when it is first asked for.
    var page: Answer.Document { ServedDocuments.page }

    static let openAPIBytes = bytes(carillon_openapi)
    private static let asyncAPIBytes = bytes(carillon_asyncapi)

    private static let page: Answer.Document = {
        let page = DocumentationPage(OpenAPIDocument(yaml: String(decoding: openAPIBytes, as: UTF8.self)))
        return Answer.Document(
            bytes: ByteBuffer(string: page.html),
            type: "text/html; charset=utf-8",
            securityPolicy: DocumentationPage.securityPolicy
        )
    }()

    private static func bytes(_ read: (UnsafeMutablePointer<Int>?) -> UnsafePointer<UInt8>?) -> [UInt8] {
        var size = 0
        return Array(UnsafeBufferPointer(start: read(&size), count: size))
    }
}
