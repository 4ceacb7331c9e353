import Contracts
import TestSupport

/// How cruel a world is.
struct Profile {
    /// Messages and processes are never away for longer than the managers wait for them: then nobody is ever on the line
    /// twice. Else attempts may be given up as `outcome_unknown` while their call goes on.
    var isPatient: Bool
    var steps: Int
    var workers: Int
    var campaigns: Int
    var targets: Int
    /// Out of 1,000 steps: a process is killed, a queue is held, a request or its answer is lost, the client does something.
    var kills: UInt64
    var holds: UInt64
    var losses: UInt64
    var wishes: UInt64

    init(_ random: inout SplitMix) {
        isPatient = random.next() % 3 != 0
        steps = 400 + Int(random.next() % 500)
        workers = 1 + Int(random.next() % 3)
        campaigns = 1 + Int(random.next() % 4)
        targets = 4 + Int(random.next() % 14)
        kills = [0, 5, 20][Int(random.next() % 3)]
        holds = [0, 10, 30][Int(random.next() % 3)]
        losses = [0, 50, 200][Int(random.next() % 3)]
        wishes = [20, 60][Int(random.next() % 2)]
    }

    /// The longest that a queue is held, or a worker is gone, in milliseconds.
    var longestAbsence: Int64 { isPatient ? 8_000 : 90_000 }
}
