import ArgumentParser
import Foundation

/// The operator's tool: everything on one machine, accounts, imports, campaigns, and what the logs tell.
///
/// It owns no data. `up` and `demo` start the daemons as child processes, the other commands speak to the gateway, and
/// `log` reads the logs, never writing a byte of them.
struct Carillon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carillon",
        abstract: "Runs and explains Carillon, an outbound campaign server.",
        version: "1.0.0",
        subcommands: [
            UpCommand.self, AccountCommand.self, ImportCommand.self, CampaignCommand.self, LogCommand.self,
            DemoCommand.self,
            ResourceCommand<OutdialKind>.self, TargetCommand.self, ResourceCommand<OutplanKind>.self,
            ResourceCommand<CampaigncallKind>.self, AgentCommand.self, ResourceCommand<QueueKind>.self,
            ResourceCommand<QueuecallKind>.self,
            ResourceCommand<FlowKind>.self, ActiveflowCommand.self, ResourceCommand<AccessKeyKind>.self,
            ResourceCommand<CustomerKind>.self, DialingCommand.self, DNCCommand.self, WebhookSecretCommand.self,
            BrokerUsersCommand.self,
        ]
    )
}

/// Runs the tool with the process's arguments and ends the process: the one thing that `main.swift` calls.
package enum CarillonProgram {
    package static func main() async -> Never {
        // Read at once: /proc/self/exe cannot be read any more when the first thread has ended.
        let executable = Executable.current
        let arguments = CommandLine.arguments
        if arguments.count > 1, arguments[1] == ExecChild.name { ExecChild.run(Array(arguments.dropFirst(2))) }
        signal(SIGPIPE, SIG_IGN)
        _ = executable
        exit(await run(Array(arguments.dropFirst())))
    }

    /// Runs one command and answers with the exit status; what is wrong is one line on stderr.
    package static func run(_ arguments: [String]) async -> Int32 {
        do {
            var command = try Carillon.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return 0
        } catch {
            return end(with: error, arguments)
        }
    }

    private static func end(with error: any Error, _ arguments: [String]) -> Int32 {
        if let code = error as? ExitCode { return code.rawValue }
        if Carillon.exitCode(for: error) == .success {
            Terminal.write(Carillon.fullMessage(for: error) + "\n")
            return 0
        }
        let failure = ToolError(error, arguments: arguments)
        Terminal.writeError("carillon: \(failure.message)\n")
        return failure.status
    }
}
