import ArgumentParser

/// Reads a daemon's own arguments.
enum CommandLineOptions<Options: DaemonOptions> {
    enum Answer {
        case options(Options)
        /// What to print, and then to end with status 0.
        case text(String)
    }

    static func parse(_ name: String, _ arguments: [String]) throws(ConfigurationError) -> Answer {
        if arguments.contains("--help") || arguments.contains("-h") { return .text(help(name)) }
        do {
            let options = try Options.parse(arguments)
            return options.common.version ? .text("\(name) \(carillonVersion)") : .options(options)
        } catch {
            let text = Options.message(for: error).split(separator: "\n").first.map(String.init) ?? "\(error)"
            throw ConfigurationError("\(text); see \(name) --help")
        }
    }

    /// The parser's help with the daemon's own name: it knows only the name of the type.
    static func help(_ name: String) -> String {
        let text = Options.helpMessage(includeHidden: false, columns: 100)
        let options = text.firstRange(of: "OPTIONS:").map { text[$0.lowerBound...] } ?? text[...]
        return """
            USAGE: \(name) <options>

            Each option can be given by the variable in parentheses too; what follows the variable is the default.

            \(options)
            """
    }
}
