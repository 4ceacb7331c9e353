import EventLog
import Glibc
import Testing

/// One writer, by whatever name the file is called, and for as long as it lives only.
@Suite(.timeLimit(.minutes(2))) struct SecondDaemonTests {
    let scratch = Scratch()

    private func refusal(_ path: String) -> String? {
        do {
            try EventLogFile.open(path: path).close()
            return nil
        } catch {
            return (error as? EventLogError).flatMap { $0.code == .locked ? $0.message : nil } ?? "\(error)"
        }
    }

    @Test func theLockEndsWithItsHolder() throws {
        var child = ChildLog(scratch)
        let link = scratch.path + "/link.db"
        #expect(symlink(scratch.log, link) == 0)
        let directory = scratch.path + "/directory"
        #expect(symlink(scratch.path, directory) == 0)
        let run = try child.run(upTo: 5000) { count, process in
            guard count == 10 else { return }
            let expected = "\(scratch.log) is in use by process \(process); stop it first"
            for path in [scratch.log, link, directory + "/test.db"] { #expect(refusal(path) == expected) }
            kill(process, SIGKILL)
        }
        #expect(run.status == -SIGKILL)
        for path in [scratch.log, link, directory + "/test.db"] { #expect(refusal(path) == nil) }
        try child.check()
    }

    @Test func twoNamesAreOneLog() throws {
        let link = scratch.path + "/link.db"
        let log = try EventLogFile.open(path: scratch.log)
        #expect(symlink(scratch.log, link) == 0)
        #expect(refusal(link)?.contains("is in use by process \(getpid())") == true)
        try log.close()
        let linked = try EventLogFile.open(path: link)
        #expect(refusal(scratch.log)?.contains("is in use by process \(getpid())") == true)
        try linked.close()
    }
}
