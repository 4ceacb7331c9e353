import Contracts
import EventLog
import Glibc
import Testing

/// A file system of 8 MiB that is unmounted at the end; nil where mounting is not allowed.
final class SmallDisk: Sendable {
    let path: String

    init?(_ scratch: Scratch) {
        path = scratch.path + "/disk"
        guard geteuid() == 0, run("mkdir", path) == 0,
            run("sh", "-c", "mount -t tmpfs -o size=8m,mode=700 tmpfs '\(path)' 2>/dev/null") == 0
        else { return nil }
    }

    deinit { run("umount", "-l", path) }

    /// Takes all but `left` KiB with a file of no use.
    func fill(leaving left: Int) {
        run(
            "sh",
            "-c",
            "dd if=/dev/zero of='\(path)/ballast' bs=1k count=$(( $(df -k --output=avail '\(path)' | tail -1) - \(left) )) 2>/dev/null"
        )
    }

    func free() { unlink(path + "/ballast") }

    static let canBeMade: Bool = SmallDisk(Scratch()) != nil
}

@Suite(
    .timeLimit(.minutes(3)),
    .enabled(if: SmallDisk.canBeMade, "a small file system cannot be mounted: run the tests as root")
) struct FullDiskTests {
    let scratch = Scratch()

    /// New work is refused by the callers in time; what ends calls is still written below the mark.
    @Test func theLowWaterMarkComesFirst() async throws {
        let disk = try #require(SmallDisk(scratch))
        defer { withExtendedLifetime(disk) {} }
        let log = disk.path + "/test.db"
        let writer = LogWriter<UInt64>(
            log: try EventLogFile.open(path: log),
            lowSpace: 3 << 20,
            turn: { turn, inputs in
                for input in inputs {
                    let text = "{\"text\":\"\(String(repeating: "x", count: 1000))\"}"
                    _ = try turn.append(
                        [event(input, text)],
                        to: "note-\(input % 4)",
                        expecting: .any,
                        context: context
                    )
                }
            },
            onFailure: { Issue.record("\($0)") }
        )
        writer.start()
        #expect(!writer.isSpaceLow)
        var number: UInt64 = 0
        while !writer.isSpaceLow, number < 10_000 {
            number += 10
            #expect(writer.submit(Array(number - 9...number)))
            #expect(await eventually { writer.head == Int64(number) })
            // The mark is looked at once a second.
            usleep(25_000)
        }
        // 8 MiB, less 3 for the mark, less what the WAL holds and the file will need as well: about 4 MiB of events.
        #expect((500...6000).contains(number), "space was low after \(number) events of 1 KiB")
        #expect(writer.submit(Array(number + 1...number + 200)))
        #expect(await eventually { writer.head == Int64(number) + 200 })
        writer.stop()
        await writer.stopped()
        #expect(try LogVerifier.verify(path: log, projections: []).violations == [])
        print("event log: 8 MiB disk, mark at 3 MiB: low after \(number) events of 1 KiB, 200 more written below it")
    }

    @Test(arguments: [0, 4, 40, 300, 1500])
    func aFullDiskEndsTheProcessAndLosesNothing(_ left: Int) throws {
        let disk = try #require(SmallDisk(scratch))
        defer { withExtendedLifetime(disk) {} }
        var child = ChildLog(scratch, directory: disk.path)
        #expect(try child.run(upTo: 100).status == 0)
        disk.fill(leaving: left)
        let full = try child.run(upTo: 20_000)
        #expect(full.status == 70)
        #expect(full.errors.contains("diskFull"), "\(full.errors)")
        #expect(full.errors.split(separator: "\n").count == 1)
        // Nobody can write, and everybody can read what the writer had room to open.
        if left >= 300 { try child.check() }
        disk.free()
        try child.check()
        let before = child.answered.count
        #expect(try child.run(upTo: UInt64(before) + 500).status == 0)
        try child.check()
        #expect(child.answered.count == before + 500)
    }
}
