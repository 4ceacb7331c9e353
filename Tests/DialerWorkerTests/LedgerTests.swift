import Contracts
import DialerWorker
import Glibc
import Testing

@Suite("The ledger")
struct LedgerTests {
    private let directory = TemporaryDirectory()

    private func line(_ number: UInt64) -> LedgerLine {
        LedgerLine(time: Sample.start, command: Sample.dial(number, tryCount: 2), worker: "1")
    }

    private func text(_ number: UInt64) -> String {
        """
        {"time":"2026-05-28T20:26:40.000000Z","attempt_id":"\(Sample.attempt(number))",\
        "call_id":"\(Sample.call(number))","campaign_id":"\(Sample.campaign)","target_id":"\(Sample.target)",\
        "number":"+15551230001","destination_index":0,"try_count":2,"worker_id":"1"}

        """
    }

    @Test("has one line per placed call, with its keys in their order")
    func lines() throws {
        let path = directory.file("ledger")
        let ledger = try Ledger(path: path)
        #expect(ledger.append([line(1)]).count == 1)
        #expect(ledger.append([line(2), line(3)]).count == 2)
        #expect(ledger.append([]).count == 0)
        #expect(contents(of: path) == text(1) + text(2) + text(3))
    }

    @Test("goes on where an earlier process stopped, beside other processes")
    func appending() throws {
        let path = directory.file("ledger")
        let first = try Ledger(path: path)
        let second = try Ledger(path: path)
        _ = first.append([line(1)])
        _ = second.append([line(2)])
        _ = first.append([line(3)])
        #expect(contents(of: path) == text(1) + text(2) + text(3))
    }

    @Test("is for its owner alone, also when it was not before")
    func mode() throws {
        let path = directory.file("ledger")
        close(open(path, O_CREAT | O_WRONLY, 0o644))
        _ = try Ledger(path: path)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test("that cannot be opened is an error that names it")
    func unopenable() throws {
        let path = directory.file("none/ledger")
        let error = try #require(throws: Ledger.Failure.self) { _ = try Ledger(path: path) }
        #expect(error.description == "cannot open the ledger \(path): No such file or directory")
    }

    @Test("that cannot be written says so, and counts nothing as written")
    func unwritable() throws {
        let (count, failure) = try Ledger(path: "/dev/full").append([line(1)])
        #expect(count == 0)
        #expect(failure?.description == "cannot write the ledger /dev/full: No space left on device")
    }
}
