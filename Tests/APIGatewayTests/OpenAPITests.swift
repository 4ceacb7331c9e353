import APIGateway
import Foundation
import HTTPTypes
import Testing
import Yams

/// `schemas/openapi.yaml` against the table of routes, and against itself.
@Suite struct OpenAPITests {
    private let document: Node

    init() throws {
        let tree = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: tree.appendingPathComponent("schemas/openapi.yaml"), encoding: .utf8)
        document = try #require(try Yams.compose(yaml: text))
    }

    private var paths: [(path: String, item: Node)] {
        (document["paths"]?.mapping ?? [:]).map { ($0.key.string ?? "", $0.value) }
    }

    private var operations: [(name: String, node: Node)] {
        paths.flatMap { path, item in
            (item.mapping ?? [:]).filter { $0.key.string != "parameters" }
                .map { ("\(($0.key.string ?? "").uppercased()) \(OpenAPITests.unnamed(path))", $0.value) }
        }
    }

    /// The path with the names of what varies left out: they are ours to choose.
    private static func unnamed(_ path: String) -> String { path.replacing(/\{\w+\}/, with: "{}") }

    private var routes: Set<String> {
        Set(
            RouteTable.campaignAPI.routes.map {
                "\($0.method.rawValue) \(OpenAPITests.unnamed($0.path.description))"
            }
        )
    }

    @Test func everyRouteIsDocumented() {
        let missing = routes.subtracting(operations.map(\.name))
        #expect(missing.isEmpty, "\(missing.sorted())")
    }

    @Test func everyDocumentedOperationIsARoute() {
        let unknown = Set(operations.map(\.name)).subtracting(routes)
        #expect(unknown.isEmpty, "\(unknown.sorted())")
    }

    @Test func aWordOfAPathIsNobodysID() throws {
        let path = "/v1.0/outdials/183c0d5c-691e-42f3-af2b-9bffc2740f83/targets/import"
        guard case .otherMethods(let methods) = RouteTable.campaignAPI.match(.get, path: path) else {
            Issue.record("GET \(path) leads to a target")
            return
        }
        #expect(methods == [.post])
    }

    @Test func everyReferenceLeadsSomewhere() {
        var references: Set<String> = []
        func collect(_ node: Node) {
            if let reference = node["$ref"]?.string { references.insert(reference) }
            for (_, value) in node.mapping ?? [:] { collect(value) }
            for value in node.sequence ?? [] { collect(value) }
        }
        collect(document)
        #expect(references.count > 100)
        for reference in references {
            let end = reference.split(separator: "/").dropFirst()
                .reduce(Optional(document)) { node, name in node?[String(name)] }
            #expect(end != nil, "\(reference)")
        }
    }

    @Test func operationsHaveNamesOfTheirOwnAndAllAnswersThatAreAlwaysPossible() {
        let identifiers = operations.compactMap { $0.node["operationId"]?.string }
        #expect(identifiers.count == operations.count && Set(identifiers).count == identifiers.count)
        for (name, node) in operations {
            let codes = Set((node["responses"]?.mapping ?? [:]).compactMap { $0.key.string })
            #expect(codes.isSuperset(of: ["200", "429", "431", "500"]), "\(name)")
            if node["security"] == nil { #expect(codes.isSuperset(of: ["401", "503"]), "\(name)") }
            if name.contains("{}") { #expect(codes.isSuperset(of: ["400", "404"]), "\(name)") }
            if !name.hasPrefix("GET") { #expect(codes.contains("400"), "\(name)") }
            #expect(node["summary"]?.string?.hasSuffix(".") == true, "\(name)")
            #expect(node["tags"]?.sequence?.count == 1, "\(name)")
        }
    }

    @Test func pathsDeclareWhatVariesInThem() throws {
        for (path, item) in paths {
            let names = path.matches(of: /\{(\w+)\}/).map { String($0.output.1) }
            let declared = (item["parameters"]?.sequence ?? []).compactMap { parameter -> String? in
                let name = parameter["$ref"]?.string?.split(separator: "/").last.map(String.init) ?? ""
                let target = document["components"]?["parameters"]?[name]
                return target?["in"]?.string == "path" ? target?["name"]?.string : nil
            }
            #expect(names == declared, "\(path)")
        }
    }
}
