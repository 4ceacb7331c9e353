import ArgumentParser
import Contracts

/// `carillon dialing`: the switches that stop all dialing.
struct DialingCommand: AsyncParsableCommand {
    enum Switch: String, ExpressibleByArgument, CaseIterable {
        case on, off
    }

    static let configuration = CommandConfiguration(
        commandName: "dialing",
        abstract: "Stops or allows all dialing of the own customer, or of everybody; without a word it says how it is.",
        discussion: """
            Calls that are under way go on.

            Example: carillon dialing off --system

            \(ResourceHelp.statuses)
            """
    )

    @Argument(help: "on or off.")
    var position: Switch?

    @Flag(help: "For the whole installation; only its operators may.")
    var system = false

    @Flag(help: "The answer as one JSON object in a line.")
    var json = false

    @OptionGroup var options: GatewayOptions

    func run() async throws {
        try await ResourceAccess.perform(options) { gateway in
            let path = system ? "/v1.0/system/dialing" : "/v1.0/customer"
            let answer =
                if let position {
                    try await gateway.put(
                        system ? path : path + "/dialing",
                        ["enabled": .bool(position == .on)]
                    )
                } else {
                    try await gateway.get(path)
                }
            let isOn = answer[system ? "enabled" : "dialing_enabled"].bool
            Terminal.write(json ? answer.text + "\n" : "dialing is \(isOn == false ? "off" : "on")\n")
        }
    }
}
