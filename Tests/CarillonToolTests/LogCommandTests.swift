import ArgumentParser
import Contracts
import EventLog
import Foundation
import TestSupport
import Testing

@testable import CarillonTool

@Suite struct LogCommandTests {
    /// What each file of a directory is: its hash, its inode and its times. Another process looks: closing a descriptor of
    /// a log in this one would drop the locks that SQLite holds.
    private func proofs(_ directory: String) throws -> [String: [String]] {
        let text = try shell("cd '\(directory)' && sha256sum * | sort -k2 && stat -c '%n %i %Y.%y %s' * | sort")
        var proofs: [String: [String]] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words[0].count == 64, words.count == 2 {
                proofs[words[1], default: []].append(words[0])
            } else {
                proofs[words[0], default: []] += words.dropFirst()
            }
        }
        return proofs
    }

    private func shell(_ command: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self)
    }

    /// A command line for every subcommand that reads logs.
    private func commands(_ target: ID, _ campaign: ID) -> [[String]] {
        [
            ["show"], ["show", "--json", "--target", "\(target)"], ["history", "target:\(target)"],
            ["state", "target:\(target)"], ["state", "campaign"], ["blame", "target:\(target)", "status"],
            ["bisect", "target:\(target)", "status=progressing"], ["why", "target:\(target)"], ["verify"],
            ["export", "--target", "\(target)"], ["export", "--campaign", "\(campaign)"],
        ]
    }

    @Test func everyCommandHasAnExampleThatNamesIt() {
        for command in LogCommand.configuration.subcommands {
            let name = command.configuration.commandName ?? ""
            let help = LogCommand.helpMessage(for: command, columns: 200)
            #expect(help.contains("Example: carillon log \(name)"), "\(name)")
        }
        let help = Carillon.helpMessage(for: LogCommand.self, columns: 200)
        for status in ["0   done", "1   it found", "64  ", "69  ", "78  "] { #expect(help.contains(status)) }
    }

    @Test func noCommandWritesAByteOfALogThatIsBeingWritten() async throws {
        // Given logs that are open for writing, with a WAL that no checkpoint has seen
        let world = try Installation()
        let outdial = try world.makeOutdial()
        let target = try world.addTarget("+15550100001", to: outdial)
        let campaign = try world.makeCampaign(on: outdial)
        try world.start(campaign)
        try world.run(for: 30_000)
        let path = world.directory.path
        let before = try proofs(path)
        #expect(before.keys.contains("campaign-manager.db-wal"))
        // When every command reads them
        for command in commands(target, campaign) {
            #expect(await CarillonProgram.run(["log"] + command + ["--data-dir", path]) == 0, "\(command)")
            let after = try proofs(path)
            #expect(Set(after.keys) == Set(before.keys), "\(command)")
            for (name, proof) in after where !name.hasSuffix("-shm") {
                #expect(proof == before[name], "\(command) \(name)")
            }
            // In -shm readers lock what they read; the file of it stays the same one.
            for (name, proof) in after { #expect(proof[1] == before[name]?[1], "\(command) \(name)") }
        }
        // Then the writer goes on as if nobody had been there
        try world.run(for: 30_000)
        #expect(try LogVerification.run(path, ledger: nil).violations == 0)
    }

    @Test func noCommandWritesAByteOfACopyAndNoBrokerIsAsked() async throws {
        let world = try Installation()
        let outdial = try world.makeOutdial()
        let target = try world.addTarget("+15550100001", to: outdial)
        let campaign = try world.makeCampaign(on: outdial)
        try world.start(campaign)
        try world.run(for: 30_000)
        // Given a copy, with its WAL, that nobody may write, and a broker that refuses
        let copy = try TemporaryDirectory(inMemory: true)
        _ = try shell(
            "cp '\(world.directory.path)'/*.db* '\(copy.path)' && chmod 400 '\(copy.path)'/* && chmod 500 '\(copy.path)'"
        )
        setenv("CARILLON_AMQP_URL", "amqp://nobody:nothing@127.0.0.1:1/", 1)
        defer {
            unsetenv("CARILLON_AMQP_URL")
            _ = try? shell("chmod 700 '\(copy.path)'")
        }
        let before = try proofs(copy.path)
        for command in commands(target, campaign) {
            #expect(await CarillonProgram.run(["log"] + command + ["--data-dir", copy.path]) == 0, "\(command)")
            let after = try proofs(copy.path)
            #expect(Set(after.keys) == Set(before.keys), "\(command)")
            for (name, proof) in after where !name.hasSuffix("-shm") {
                #expect(proof == before[name], "\(command) \(name)")
            }
        }
    }

    @Test func statusesAreWhatTheHelpSays() async throws {
        let world = try Installation()
        let path = world.directory.path
        #expect(await CarillonProgram.run(["log", "verify", "--data-dir", path]) == 0)
        #expect(await CarillonProgram.run(["log", "why", "target:\(world.newID())", "--data-dir", path]) == 1)
        #expect(await CarillonProgram.run(["log", "why", "target:7", "--data-dir", path]) == 64)
        #expect(await CarillonProgram.run(["log", "verify", "--data-dir", path + "/nowhere"]) == 78)
    }
}
