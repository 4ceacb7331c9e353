import ArgumentParser
import Contracts
import Foundation

/// `carillon RESOURCE`: the verbs of one kind of object.
struct ResourceCommand<Kind: ResourceKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Kind.resource.name,
            abstract: Kind.resource.abstract,
            discussion: ResourceHelp.statuses,
            subcommands: verbs
        )
    }

    /// The commands of its verbs.
    static var verbs: [any ParsableCommand.Type] {
        Kind.resource.verbs.map { verb -> any ParsableCommand.Type in
            switch verb {
            case .list: ResourceListCommand<Kind>.self
            case .get: ResourceGetCommand<Kind>.self
            case .create: ResourceCreateCommand<Kind>.self
            case .set: ResourceSetCommand<Kind>.self
            case .delete: ResourceDeleteCommand<Kind>.self
            }
        }
    }
}

/// `carillon RESOURCE list`
struct ResourceListCommand<Kind: ResourceKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        ResourceHelp.configuration(.list, of: Kind.resource, "Lists them, newest first.", ResourceHelp.filters)
    }

    @Option(help: "The most that are shown; 0 is all.")
    var limit = 100

    @Flag(help: "Deleted ones too.")
    var deleted = false

    @Flag(help: "One JSON object a line.")
    var json = false

    @OptionGroup var options: GatewayOptions

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Filters: --name value.", valueName: "filter"))
    var words: [String] = []

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit must be 0 or more, and is \(limit)") }
        _ = try Kind.resource.filterWords(words)
    }

    func run() async throws {
        let resource = Kind.resource
        let parsed = try resource.filterWords(words)
        let path = try resource.listPath(parsed)
        var query = resource.filters.compactMap { name in parsed.options[name].map { (name, $0) } }
        if deleted { query.append(("deleted", "true")) }
        try await ResourceAccess.perform(options) { gateway in
            let rows = try await ResourceList.read(path, query, limit: limit, gateway) { page in
                if json { Terminal.write(page.map { $0.text + "\n" }.joined()) }
            }
            if !json { Terminal.write(resource.table(rows)) }
        }
    }
}

/// `carillon RESOURCE get`
struct ResourceGetCommand<Kind: ResourceKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        ResourceHelp.configuration(.get, of: Kind.resource, "Shows one.") { _ in "" }
    }

    @Flag(help: "A deleted one too.")
    var deleted = false

    @Flag(help: "One JSON object in a line.")
    var json = false

    @OptionGroup var options: GatewayOptions

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("The id.", valueName: "id"))
    var words: [String] = []

    func validate() throws { _ = try Kind.resource.idWords(words) }

    func run() async throws {
        let path = try Kind.resource.objectPath(try Kind.resource.idWords(words)) + (deleted ? "?deleted=true" : "")
        try await ResourceAccess.perform(options) { gateway in
            ResourceAccess.show(try await gateway.get(path), asJSON: json)
        }
    }
}

/// `carillon RESOURCE create`
struct ResourceCreateCommand<Kind: ResourceKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        ResourceHelp.configuration(.create, of: Kind.resource, "Makes one and shows it.", ResourceHelp.fields)
    }

    @Option(help: "A file with the whole document, - for the standard input; fields are put over it.")
    var jsonBody: String?

    @Flag(help: "One JSON object in a line.")
    var json = false

    @OptionGroup var options: GatewayOptions

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("--field value, or field=value.", valueName: "field"))
    var words: [String] = []

    func validate() throws { _ = try Kind.resource.bodyWords(words, isNew: true) }

    func run() async throws {
        let parsed = try Kind.resource.bodyWords(words, isNew: true)
        let path = try Kind.resource.listPath(parsed)
        try await ResourceAccess.perform(options) { gateway in
            let body = Kind.resource.body(parsed, over: try ResourceAccess.document(jsonBody))
            ResourceAccess.show(try await gateway.post(path, body), asJSON: json)
        }
    }
}

/// `carillon RESOURCE set`
struct ResourceSetCommand<Kind: ResourceKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        ResourceHelp.configuration(.set, of: Kind.resource, "Changes the given fields of one.", ResourceHelp.fields)
    }

    @Option(help: "A file with a document, - for the standard input; fields are put over it.")
    var jsonBody: String?

    @Flag(help: "One JSON object in a line.")
    var json = false

    @OptionGroup var options: GatewayOptions

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("The id, and --field value, or field=value.", valueName: "id-and-fields")
    )
    var words: [String] = []

    func validate() throws {
        let parsed = try Kind.resource.bodyWords(words, isNew: false)
        let body = Kind.resource.body(parsed)
        if let (field, command) = Kind.resource.elsewhere.first(where: { !body[$0.key].isNull }) {
            throw ValidationError("set does not change \(field); use: \(command)")
        }
        guard jsonBody != nil || body != [:] else {
            throw ValidationError("there is nothing to set; give --field value, field=value or --json-body")
        }
    }

    func run() async throws {
        let parsed = try Kind.resource.bodyWords(words, isNew: false)
        let path = try Kind.resource.objectPath(parsed)
        try await ResourceAccess.perform(options) { gateway in
            let body = Kind.resource.body(parsed, over: try ResourceAccess.document(jsonBody))
            ResourceAccess.show(try await gateway.put(path, body), asJSON: json)
        }
    }
}

/// `carillon RESOURCE delete`
struct ResourceDeleteCommand<Kind: ResourceKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        ResourceHelp.configuration(.delete, of: Kind.resource, "Deletes one.") { _ in "" }
    }

    @Flag(help: "What was deleted, as one JSON object in a line.")
    var json = false

    @OptionGroup var options: GatewayOptions

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("The id.", valueName: "id"))
    var words: [String] = []

    func validate() throws { _ = try Kind.resource.idWords(words) }

    func run() async throws {
        let path = try Kind.resource.objectPath(try Kind.resource.idWords(words))
        try await ResourceAccess.perform(options) { gateway in
            let answer = try await gateway.delete(path)
            if json {
                ResourceAccess.show(answer, asJSON: true)
            } else {
                Terminal.write("\(Kind.resource.name) \(answer["id"].string ?? "") is deleted\n")
            }
        }
    }
}
