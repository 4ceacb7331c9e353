import Contracts
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

@testable import APIGateway

@Suite struct DocumentsTests {
    private func get(_ uri: String) async throws -> TestResponse {
        let application = buildGateway(
            client: FakeManagers(),
            configuration: GatewayConfiguration(),
            logger: Logger(label: "test")
        )
        return try await application.test(.router) { client in
            try await client.execute(uri: uri, method: .get, headers: [:], body: nil)
        }
    }

    /// The file at the top of this repository.
    private func schema(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("schemas/\(name)"), encoding: .utf8)
    }

    @Test(arguments: ["openapi.yaml", "asyncapi.yaml"])
    func theDescriptionsAreServedAsTheyAre(name: String) async throws {
        let answer = try await get("/\(name)")
        #expect(answer.status.code == 200 && answer.headers[.contentType] == "application/yaml; charset=utf-8")
        #expect(String(buffer: answer.body) == (try schema(name)))
    }

    @Test func thePageForPeopleNamesEveryOperationAndLoadsNothing() async throws {
        let answer = try await get("/docs")
        #expect(answer.status.code == 200 && answer.headers[.contentType] == "text/html; charset=utf-8")
        let policy = try #require(answer.headers[.contentSecurityPolicy])
        #expect(policy.hasPrefix("default-src 'none'; style-src 'sha256-"))
        let html = String(buffer: answer.body)
        let document = OpenAPIDocument(yaml: try schema("openapi.yaml"))
        #expect(!document.operations.isEmpty)
        for operation in document.operations { #expect(html.contains("id=\"\(operation.anchor)\"")) }
        for sign in ["<script", "src=", "@import", "url(", "http-equiv"] { #expect(!html.contains(sign), "\(sign)") }
    }

    @Test func anOperationIsShownWithAllItsParts() {
        let page = DocumentationPage(OpenAPIDocument(yaml: Self.sample)).html
        for part in [
            "<title>Test &amp; more</title>", "id=\"post-things-id\"", "Makes a <code>thing</code>.", "<li>one</li>",
            "one of a, &quot;&quot;", "required", "default 5", "href=\"#schema-Thing\"", "id=\"schema-Thing\"",
            "{&quot;size&quot;:7}", "It is made.", "integer (int64)", "array of string", "from the other",
        ] { #expect(page.contains(part), "\(part)\n\(page)") }
        #expect(!page.contains("<b>evil"))
    }

    @Test func aDocumentThatIsNoneIsAnEmptyPage() {
        for text in ["", "a: [", "just text", "paths: 5"] {
            #expect(DocumentationPage(OpenAPIDocument(yaml: text)).html.contains("<title>API</title>"))
        }
    }

    private static let sample = """
        openapi: 3.1.0
        info: {title: "Test & more", version: "1.0", description: "Text <b>evil</b>."}
        tags: [{name: Things, description: All of them.}]
        paths:
          /things/{id}:
            parameters: [{$ref: "#/components/parameters/ID"}]
            post:
              tags: [Things]
              summary: Makes a `thing`.
              description: |
                First.

                - one
                - two
              requestBody:
                content:
                  application/json:
                    schema: {$ref: "#/components/schemas/Thing"}
                    example: {size: 7}
              responses:
                "200": {$ref: "#/components/responses/Made"}
        components:
          parameters:
            ID: {name: id, in: path, required: true, schema: {type: string, format: uuid}}
          responses:
            Made:
              description: It is made.
              content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}
          schemas:
            Base: {type: object, properties: {origin: {type: string, description: from the other}}}
            Thing:
              type: object
              allOf: [{$ref: "#/components/schemas/Base"}]
              required: [size]
              properties:
                size: {type: integer, format: int64, default: 5}
                kind: {type: string, enum: [a, ""]}
                names: {type: array, items: {type: string}}
                next: {$ref: "#/components/schemas/Thing"}
        """
}
