import ArgumentParser
import Foundation

/// Where the logs are.
struct DataDirectoryOption: ParsableArguments {
    @Option(
        name: .long,
        help: "The directory of the logs. Default: CARILLON_DATA_DIR, STATE_DIRECTORY, else ./data.",
        completion: .directory
    )
    var dataDir: String?

    /// The absolute path, whether or not it exists.
    var path: String { DataDirectoryOption.resolve(dataDir, ProcessInfo.processInfo.environment) }

    static func resolve(_ option: String?, _ environment: [String: String]) -> String {
        let named = [option, environment["CARILLON_DATA_DIR"], environment["STATE_DIRECTORY"]]
        let path = named.compactMap { $0 }.first { !$0.isEmpty } ?? "data"
        return URL(fileURLWithPath: path).standardizedFileURL.path
    }
}

/// Which gateway to speak to, and as whom.
struct GatewayOptions: ParsableArguments {
    @Option(name: .long, help: "The gateway. Default: CARILLON_URL, else the one that the data directory names.")
    var url: String?

    @Option(
        name: .long,
        help: "The access key. Default: CARILLON_ACCESS_KEY, else the first account's of the data directory."
    )
    var accessKey: String?

    @OptionGroup var directory: DataDirectoryOption

    /// The gateway and the key; throws one clear line when either is missing.
    func gateway() throws -> Gateway {
        let environment = ProcessInfo.processInfo.environment
        var url = url ?? environment["CARILLON_URL"]
        var key = accessKey ?? environment["CARILLON_ACCESS_KEY"]
        if url == nil || key == nil {
            let account = try FirstAccount.load(directory.path)
            url = url ?? account?.url
            key = key ?? account?.accessKey
        }
        guard let url, let key else {
            throw ToolError.configuration(
                "there is no \(url == nil ? "gateway" : "access key"): \(FirstAccount.path(directory.path)) does not exist; "
                    + "start `carillon up`, or give --url and --access-key"
            )
        }
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw ToolError.configuration("--url must begin with http:// or https://, and is \(url)")
        }
        return Gateway(url: url, accessKey: key)
    }
}
