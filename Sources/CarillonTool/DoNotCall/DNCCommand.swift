import ArgumentParser
import Contracts

/// `carillon dnc`: do-not-call lists and their numbers.
struct DNCCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dnc",
        abstract: DNCKind.resource.abstract,
        discussion: ResourceHelp.statuses,
        subcommands: ResourceCommand<DNCKind>.verbs
            + [AddCommand.self, RemoveCommand.self, CheckCommand.self, ImportNumbersCommand.self]
    )

    /// `carillon dnc add`: numbers onto a list.
    struct AddCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Puts numbers on a do-not-call list.",
            discussion: "Example: carillon dnc add LIST +15559876543 --reason \"asked by letter\""
        )

        @Argument(help: "The id of the list.")
        var list: String

        @Argument(help: "The numbers.")
        var numbers: [String]

        @Option(help: "Why; shown beside the numbers.")
        var reason: String?

        @Flag(help: "The answer as one JSON object in a line.")
        var json = false

        @OptionGroup var options: GatewayOptions

        func validate() throws {
            try DNCCommand.requireID(list)
            if numbers.isEmpty { throw ValidationError("name at least one number") }
        }

        func run() async throws {
            var body: JSONObject = ["numbers": .array(numbers.map { .string($0) })]
            if let reason { body.append("reason", .string(reason)) }
            try await ResourceAccess.perform(options) { gateway in
                let answer = try await gateway.post("/v1.0/dnclists/\(list)/numbers", .object(body))
                let (added, known) = (answer["added"].integer ?? 0, answer["duplicates"].integer ?? 0)
                Terminal.write(json ? answer.text + "\n" : "\(added) added, \(known) were on the list already\n")
            }
        }
    }

    /// `carillon dnc remove`: a number off a list.
    struct RemoveCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Takes a number off a do-not-call list.",
            discussion: "Example: carillon dnc remove LIST +15559876543"
        )

        @Argument(help: "The id of the list.")
        var list: String

        @Argument(help: "The number.")
        var number: String

        @Flag(help: "The answer as one JSON object in a line.")
        var json = false

        @OptionGroup var options: GatewayOptions

        func validate() throws { try DNCCommand.requireID(list) }

        func run() async throws {
            try await ResourceAccess.perform(options) { gateway in
                let path = "/v1.0/dnclists/\(list)/numbers/\(Gateway.escaped(number))"
                ResourceAccess.show(try await gateway.delete(path), asJSON: json)
            }
        }
    }

    /// `carillon dnc check`: whether a number may be called.
    struct CheckCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Says whether a number is on a do-not-call list.",
            discussion: "Example: carillon dnc check +15559876543. The exit status is 1 when it is listed."
        )

        @Argument(help: "The number.")
        var number: String

        @Flag(help: "The answer as one JSON object in a line.")
        var json = false

        @OptionGroup var options: GatewayOptions

        func run() async throws {
            var isListed = false
            try await ResourceAccess.perform(options) { gateway in
                let answer = try await gateway.get("/v1.0/dnclists/check?number=\(Gateway.escaped(number))")
                isListed = answer["listed"].bool ?? false
                Terminal.write(json ? answer.text + "\n" : CheckCommand.text(answer))
            }
            if isListed { throw ExitCode(1) }
        }

        private static func text(_ answer: JSONValue) -> String {
            let number = answer["number"].string ?? ""
            let lists = (answer["dnclists"].array ?? []).map { list in
                let name = list["name"].string ?? ""
                return name.isEmpty ? list["id"].string ?? "" : name
            }
            return lists.isEmpty
                ? "\(number) may be called\n" : "\(number) is not to be called: \(lists.joined(separator: ", "))\n"
        }
    }

    /// `carillon dnc import`: numbers from a file onto a list.
    struct ImportNumbersCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Imports a CSV or NDJSON file of numbers into a do-not-call list.",
            discussion: """
                Columns: number, and perhaps reason. Bad rows are listed at the end and do not stop the import. The exit
                status is 1 when nothing could be imported.
                """
        )

        @Argument(help: "The id of the list.")
        var list: String

        @Argument(
            help: "The file; its name ends in .ndjson or .jsonl for one JSON object a line, anything else is CSV."
        )
        var file: String

        @OptionGroup var options: GatewayOptions

        func validate() throws { try DNCCommand.requireID(list) }

        func run() async throws {
            let upload = try Upload(path: file)
            let path = "/v1.0/dnclists/\(list)/numbers/import"
            let answer = try await Import.run(upload, to: path, try options.gateway())
            Terminal.write(ImportReport.text(answer))
            let done = (answer["imported"].integer ?? 0) + (answer["duplicates"].integer ?? 0)
            if done == 0 { throw ExitCode(1) }
        }
    }

    private static func requireID(_ text: String) throws {
        if ID(text) == nil { throw ValidationError("the list must be a UUID, and is '\(text)'") }
    }
}

enum DNCKind: ResourceKind {
    static let resource = Resource(
        name: "dnc",
        abstract: "Do-not-call lists: numbers that nobody is to be called at.",
        path: "/v1.0/dnclists",
        columns: [
            .init(name: "id", title: "id", isWhole: true), .init(name: "name", title: "name"),
            .init(name: "numbers", title: "numbers", isNumber: true, isWhole: true),
            .init(name: "version", title: "version", isNumber: true, isWhole: true),
            .init(name: "default", title: "default", isWhole: true),
            .init(name: "tm_create", title: "tm_create", isWhole: true),
        ],
        fields: [
            .init(name: "name", help: "A name for people."), .init(name: "detail", help: "A description for people."),
            .init(name: "global", kind: .json, help: "true: for every customer; for operators only (create)."),
        ],
        filters: ["name", "global"],
        examples: [
            .list: "dnc list", .get: "dnc get ID", .create: "dnc create --name \"asked by letter\"",
            .set: "dnc set ID --detail \"until 2027\"", .delete: "dnc delete ID",
        ]
    )
}
