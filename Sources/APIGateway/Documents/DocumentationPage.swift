import Contracts
import Crypto

/// The API for people: one page, without scripts and without anything from elsewhere.
struct DocumentationPage: Sendable {
    private let document: OpenAPIDocument

    init(_ document: OpenAPIDocument) { self.document = document }

    /// Nothing is loaded, and only this page's own style is applied.
    static let securityPolicy =
        "default-src 'none'; style-src 'sha256-\(styleHash)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static let styleHash: String = {
        let hash = Array(SHA256.hash(data: Array(style.utf8)))
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: hash.count, by: 3) {
            let group = hash[start..<min(start + 3, hash.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for index in 0..<4 {
                text.append(index <= group.count ? alphabet[bits >> (18 - 6 * index) & 63] : "=")
            }
        }
        return text
    }()

    var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(Markup.escaped(document.title))</title>
        <style>\(DocumentationPage.style)</style>
        </head>
        <body>
        <nav>
        \(navigation)
        </nav>
        <main>
        <h1>\(Markup.escaped(document.title)) <small>\(Markup.escaped(document.version))</small></h1>
        \(Markup.paragraphs(document.summary))
        <p>The same for programs: <a href="/openapi.yaml">openapi.yaml</a>, and for messages
        <a href="/asyncapi.yaml">asyncapi.yaml</a>.</p>
        \(document.tags.map(section).joined(separator: "\n"))
        \(schemas)
        </main>
        </body>
        </html>

        """
    }

    private var navigation: String {
        let operations = document.operations
        return document.tags.map { tag in
            let lines = operations.filter { $0.tag == tag.name }.map { operation in
                """
                <li><a href="#\(operation.anchor)"><b class="\(operation.method)">\(operation.method)</b> \
                \(Markup.escaped(operation.path))</a></li>
                """
            }
            let name = Markup.escaped(tag.name)
            return "<h2><a href=\"#tag-\(name)\">\(name)</a></h2><ul>\(lines.joined())</ul>"
        }.joined(separator: "\n")
    }

    private func section(_ tag: (name: String, description: String)) -> String {
        let operations = document.operations.filter { $0.tag == tag.name }.map(article)
        let name = Markup.escaped(tag.name)
        return """
            <section id="tag-\(name)"><h2>\(name)</h2>
            \(Markup.paragraphs(tag.description))
            \(operations.joined(separator: "\n"))
            </section>
            """
    }

    private func article(_ operation: OpenAPIDocument.Operation) -> String {
        let json = operation.json
        return """
            <article id="\(operation.anchor)">
            <h3><b class="\(operation.method)">\(operation.method)</b> <code>\(Markup.escaped(operation.path))</code></h3>
            <p class="summary">\(Markup.inline(json["summary"].string ?? ""))</p>
            \(Markup.paragraphs(json["description"].string ?? ""))
            \(parameters(operation.parameters))
            \(requestBody(document.resolved(json["requestBody"])))
            \(answers(json["responses"]))
            </article>
            """
    }

    private func parameters(_ parameters: [JSONValue]) -> String {
        guard !parameters.isEmpty else { return "" }
        let rows = parameters.map { parameter in
            row(
                name: parameter["name"].string ?? "",
                schema: parameter["schema"],
                isRequired: parameter["required"].bool == true,
                description: parameter["description"].string,
                place: parameter["in"].string
            )
        }
        return "<h4>Parameters</h4><table>\(rows.joined())</table>"
    }

    private func requestBody(_ body: JSONValue) -> String {
        let contents = body["content"].object?.members ?? []
        guard !contents.isEmpty else { return "" }
        let description = Markup.paragraphs(body["description"].string ?? "")
        return "<h4>Body</h4>\(description)" + contents.map(content).joined()
    }

    /// One media type: its fields and its examples.
    private func content(_ content: JSONObject.Member) -> String {
        let type =
            "<p class=\"type\"><code>\(Markup.escaped(content.name))</code>\(schemaLink(content.value["schema"]))</p>"
        return type + fields(content.value["schema"]) + examples(content.value)
    }

    private func answers(_ responses: JSONValue) -> String {
        let rows = (responses.object?.members ?? []).map { response in
            let answer = document.resolved(response.value)
            let contents = (answer["content"].object?.members ?? []).map { content in
                """
                <div><code>\(Markup.escaped(content.name))</code>\(schemaLink(content.value["schema"]))\
                \(examples(content.value))</div>
                """
            }
            return """
                <tr><th>\(Markup.escaped(response.name))</th>\
                <td>\(Markup.paragraphs(answer["description"].string ?? ""))\(contents.joined())</td></tr>
                """
        }
        return rows.isEmpty ? "" : "<h4>Answers</h4><table>\(rows.joined())</table>"
    }

    private func examples(_ content: JSONValue) -> String {
        var examples: [(String, JSONValue)] = []
        if !content["example"].isNull { examples.append(("", content["example"])) }
        for example in content["examples"].object?.members ?? [] {
            let resolved = document.resolved(example.value)
            examples.append((resolved["summary"].string ?? example.name, resolved["value"]))
        }
        return examples.map { title, value in
            let text = value.string ?? Markup.json(value)
            let caption = title.isEmpty ? "" : "<p class=\"type\">\(Markup.inline(title))</p>"
            return "\(caption)<pre>\(Markup.escaped(text))</pre>"
        }.joined()
    }

    // MARK: - Schemas

    private var schemas: String {
        guard !document.schemas.isEmpty else { return "" }
        let all = document.schemas.map { schema in
            let example = schema.value["example"]
            return """
                <article id="schema-\(Markup.escaped(schema.name))"><h3>\(Markup.escaped(schema.name))</h3>
                \(Markup.paragraphs(schema.value["description"].string ?? ""))
                \(fields(schema.value))\(example.isNull ? "" : "<pre>\(Markup.escaped(Markup.json(example)))</pre>")
                </article>
                """
        }
        return "<section id=\"schemas\"><h2>Objects</h2>\(all.joined(separator: "\n"))</section>"
    }

    /// The properties of an object, those that it has from others included.
    private func fields(_ schema: JSONValue) -> String {
        let rows = properties(of: schema, depth: 0).map { property, isRequired in
            row(
                name: property.name,
                schema: property.value,
                isRequired: isRequired,
                description: property.value["description"].string
            )
        }
        return rows.isEmpty ? "" : "<table>\(rows.joined())</table>"
    }

    private func properties(of schema: JSONValue, depth: Int) -> [(JSONObject.Member, Bool)] {
        // Schemas may contain themselves.
        guard depth < 6 else { return [] }
        let object = document.resolved(schema)
        let required = Set((object["required"].array ?? []).compactMap(\.string))
        let own = (object["properties"].object?.members ?? []).map { ($0, required.contains($0.name)) }
        return (object["allOf"].array ?? []).flatMap { properties(of: $0, depth: depth + 1) } + own
    }

    private func row(
        name: String,
        schema: JSONValue,
        isRequired: Bool,
        description: String?,
        place: String? = nil
    ) -> String {
        let resolved = document.resolved(schema)
        let facts = [place, isRequired ? "required" : nil, limits(resolved)].compactMap { $0 }
        return """
            <tr><th><code>\(Markup.escaped(name))</code></th><td class="kind">\(kind(schema))</td>\
            <td>\(facts.isEmpty ? "" : "<i>\(Markup.escaped(facts.joined(separator: ", ")))</i> ")\
            \(Markup.inline(description ?? resolved["description"].string ?? ""))</td></tr>
            """
    }

    /// The type in words, with a link when it is an object with a name.
    private func kind(_ schema: JSONValue) -> String {
        if OpenAPIDocument.schemaName(schema) != nil { return schemaLink(schema) }
        for word in ["oneOf", "anyOf"] {
            if let all = schema[word].array { return all.map(kind).joined(separator: " or ") }
        }
        if let all = schema["allOf"].array, let first = all.first { return kind(first) }
        let types = schema["type"].array?.compactMap(\.string) ?? [schema["type"].string].compactMap { $0 }
        let name = types.joined(separator: " or ")
        if types.contains("array") { return "\(Markup.escaped(name)) of \(kind(schema["items"]))" }
        let format = schema["format"].string.map { " (\($0))" } ?? ""
        return Markup.escaped((name.isEmpty ? "any" : name) + format)
    }

    private func schemaLink(_ schema: JSONValue) -> String {
        guard let name = OpenAPIDocument.schemaName(schema) else { return "" }
        return " <a href=\"#schema-\(Markup.escaped(name))\">\(Markup.escaped(name))</a>"
    }

    /// What a value may be, beside its type.
    private func limits(_ schema: JSONValue) -> String? {
        var facts: [String] = []
        if let values = schema["enum"].array {
            facts.append(
                "one of " + values.map { $0.text(or: "null") }.map { $0.isEmpty ? "\"\"" : $0 }.joined(separator: ", ")
            )
        }
        if !schema["minimum"].isNull || !schema["maximum"].isNull {
            facts.append("\(schema["minimum"].text(or: "")) to \(schema["maximum"].text(or: "any"))")
        }
        if !schema["default"].isNull { facts.append("default \(schema["default"].text)") }
        return facts.isEmpty ? nil : facts.joined(separator: "; ")
    }

    private static let style = """

        :root { color-scheme: light dark; --line: #8884; --soft: #8882; --link: #06c; }
        @media (prefers-color-scheme: dark) { :root { --link: #7bf; } }
        body { font: 16px/1.5 system-ui, sans-serif; margin: 0; display: grid; grid-template-columns: 21rem 1fr; }
        nav { height: 100vh; overflow: auto; position: sticky; top: 0; padding: 1rem; box-sizing: border-box;
          border-right: 1px solid var(--line); font-size: .8rem; }
        nav h2 { font-size: 1rem; margin: 1rem 0 .25rem; border: 0; padding: 0; }
        nav ul { list-style: none; margin: 0; padding: 0; }
        nav li a { display: block; padding: .1rem 0; overflow-wrap: anywhere; }
        main { padding: 1rem 2rem 4rem; max-width: 60rem; min-width: 0; }
        a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
        h1 small { font-weight: normal; opacity: .6; font-size: 1rem; }
        h2 { margin-top: 3rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
        h3 { margin: 2.5rem 0 .5rem; } h3 code { background: none; padding: 0; font-size: 1.05rem; }
        h4 { margin: 1rem 0 .25rem; }
        b.GET, b.POST, b.PUT, b.DELETE, b.PATCH { font: 700 .75em ui-monospace, monospace; padding: .1em .35em;
          border-radius: .25em; color: #fff; display: inline-block; min-width: 3em; text-align: center; }
        b.GET { background: #27704f; } b.POST { background: #1f5fae; } b.PUT, b.PATCH { background: #8a5a00; }
        b.DELETE { background: #a12a2a; }
        table { border-collapse: collapse; width: 100%; font-size: .92rem; }
        th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-top: 1px solid var(--line);
          overflow-wrap: anywhere; }
        th { font-weight: normal; width: 11rem; } td.kind { width: 11rem; opacity: .75; }
        td p { margin: 0; } i { opacity: .75; } .summary { font-weight: 600; margin: .25rem 0; }
        .type { margin: .5rem 0 .25rem; opacity: .75; }
        code, pre { font: .9em ui-monospace, monospace; background: var(--soft); border-radius: .25em; }
        code { padding: .1em .3em; } pre { padding: .75rem 1rem; overflow: auto; line-height: 1.4; }
        @media (max-width: 60rem) { body { display: block; }
          nav { height: auto; position: static; border: 0; } main { padding: 1rem; } }

        """
}
