import EventLog
import Glibc
import Testing

/// A disk that fails: a library loaded before the C library makes the system calls of the child fail.
@Suite(.timeLimit(.minutes(3))) struct BrokenDiskTests {
    let scratch = Scratch()

    private func faults() throws -> String {
        let source = #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" } + "/IOFaults/io_faults.c"
        let library = scratch.path + "/io_faults.so"
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let status = run(
            "sh",
            "-c",
            "PATH='\(path)'; export PATH; $(command -v cc || command -v clang) -shared -fPIC -o '\(library)' '\(source)' -ldl"
        )
        try #require(status == 0, "the library of faults could not be built")
        return library
    }

    @Test(arguments: [
        "fdatasync:-wal:1", "fdatasync:-wal:2", "fdatasync:-wal:5", "pwrite:-wal:1", "pwrite:-wal:7", "pwrite:-wal:40",
    ])
    func aFailedWriteEndsTheProcess(_ fault: String) throws {
        let errors = try self.errors(of: fault, after: 20, upTo: 400)
        #expect(errors.contains("check the disk, then start again"), "\(errors)")
        #expect(errors.split(separator: "\n").count == 1)
    }

    /// While the WAL is copied into the file nobody waits for an answer, and the process ends all the same. A long first
    /// life without a fault: the next one begins with a file, and copies into it when it ends.
    @Test(arguments: ["pwrite:test.db:1", "pwrite:test.db:5", "fdatasync:test.db:1"])
    func aFailedCheckpointEndsTheProcess(_ fault: String) throws {
        _ = try errors(of: fault, after: 500, upTo: 1000)
    }

    /// What a process says that dies of `fault`, between one that lived without it and one that finishes the work.
    private func errors(of fault: String, after first: UInt64, upTo last: UInt64) throws -> String {
        let library = try faults()
        var child = ChildLog(scratch)
        #expect(try child.run(upTo: first).status == 0)
        let failed = try child.run(upTo: last, environment: ["LD_PRELOAD=\(library)", "IO_FAULT=\(fault)"])
        #expect(failed.status == 70)
        #expect(failed.errors.contains("inputOutput"), "\(failed.errors)")
        try child.check()
        #expect(try child.run(upTo: last).status == 0)
        try child.check()
        #expect(child.answered.count == last)
        return failed.errors
    }
}
