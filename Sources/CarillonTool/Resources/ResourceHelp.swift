import ArgumentParser

/// What `--help` says of the commands for objects: made from the table, so that it cannot be behind it.
enum ResourceHelp {
    static let statuses = """
        The exit status is 0 when it was done, 1 when the server refused it, 2 for a wrong command line, and 75 when it \
        may work later (too many requests, a part of the platform is away, nobody answers).
        """

    static func configuration(
        _ verb: Resource.Verb,
        of resource: Resource,
        _ abstract: String,
        _ more: (Resource) -> String
    ) -> CommandConfiguration {
        let example = resource.examples[verb].map { "Example: carillon \($0)" } ?? ""
        let parent = resource.parent.map { "\(Resource.option($0)) ID names the \($0) that it is in." } ?? ""
        return CommandConfiguration(
            commandName: verb.rawValue,
            abstract: abstract,
            discussion: [example, parent, more(resource), statuses].filter { !$0.isEmpty }.joined(separator: "\n\n")
        )
    }

    static func filters(_ resource: Resource) -> String {
        guard !resource.filters.isEmpty else { return "" }
        return "Filters: " + resource.filters.map { Resource.option($0) + " VALUE" }.joined(separator: ", ") + "."
    }

    static func fields(_ resource: Resource) -> String {
        let width = resource.fields.map(\.option.count).max() ?? 0
        let lines = resource.fields.map { field in
            "  " + field.option + String(repeating: " ", count: width - field.option.count + 2) + field.help
        }
        return "Fields, each followed by its value:\n" + lines.joined(separator: "\n")
            + "\nAny other field as field=value; the value is read as JSON when it is JSON, else as text."
    }
}
