import EventLog
import Glibc
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(3))) struct KilledProcessTests {
    let scratch = Scratch()

    /// A process that dies between any two steps leaves a log that is whole; the next one goes on as if nothing was.
    @Test(arguments: ["before_append", "before_commit", "after_commit", "after_publish", "after_confirm"], 1...3)
    func diesBetweenTwoSteps(_ point: String, _ count: Int) throws {
        var child = ChildLog(scratch)
        #expect(try child.run(upTo: 20).status == 0)
        let killed = try child.run(upTo: 200, environment: ["CARILLON_CRASH_AT=\(point).noted:\(count)"])
        #expect(killed.status == -SIGKILL)
        try child.check()
        #expect(try child.run(upTo: 200).status == 0)
        try child.check()
        #expect(child.answered.count == 200)
        #expect(try LogReader(path: child.log).head() == 200)
        let cursor = try LogReader(path: child.log).cursor("publisher")
        #expect(cursor == 200)
    }

    @Test func diesAtAnyMomentUnderLoad() throws {
        var child = ChildLog(scratch)
        var random = SystemRandomNumberGenerator()
        var last: UInt64 = 0
        for life in 1...20 {
            last += 800
            let moment = Int.random(in: 1...600, using: &random)
            let run = try child.run(upTo: last) { count, process in if count == moment { kill(process, SIGKILL) } }
            #expect(run.status == -SIGKILL, "life \(life), to be killed after \(moment) answers: \(run.errors)")
            try child.check()
            last = child.answered.keys.max() ?? last
        }
        #expect(try child.run(upTo: last + 1).status == 0)
        try child.check()
        #expect(child.answered.count == Int(last) + 1)
        print("event log: 20 kills under load, \(child.answered.count) events answered, all of them there once")
    }
}
