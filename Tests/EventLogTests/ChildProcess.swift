import Contracts
import EventLog
import Glibc
import Testing

/// One run of `event-log-child`.
struct ChildRun {
    /// What was answered: the position of each number.
    var answers: [UInt64: Int64] = [:]
    /// The exit status, or the negative number of the signal that ended it.
    var status: Int32 = 0
    var errors = ""

    static let program: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/event-log-child"
    }()

    /// Runs it to its end; `whenAnswered` sees the number of answers so far and may kill it.
    init(
        _ log: String,
        _ numbers: ClosedRange<UInt64>,
        broker: String,
        environment: [String] = [],
        _ whenAnswered: (Int, pid_t) -> Void = { _, _ in }
    ) throws {
        let errorFile = broker + ".stderr"
        let (process, output) = ChildRun.start(
            [ChildRun.program, log, "\(numbers.lowerBound)", "\(numbers.upperBound)", broker],
            environment,
            errorFile
        )
        let stream = fdopen(output, "r")
        defer { fclose(stream) }
        var line: UnsafeMutablePointer<CChar>?
        var size = 0
        while getline(&line, &size, stream) > 0, let line {
            let words = String(cString: line).split(whereSeparator: \.isWhitespace)
            let number = try #require(UInt64(words[0]))
            #expect(answers[number] == nil, "\(number) was answered twice")
            answers[number] = Int64(words[1])
            whenAnswered(answers.count, process)
        }
        free(line)
        var end: Int32 = 0
        while waitpid(process, &end, 0) < 0 && errno == EINTR {}
        status = end & 0x7F == 0 ? end >> 8 & 0xFF : -(end & 0x7F)
        errors = contents(errorFile)
    }

    private static func start(
        _ command: [String],
        _ environment: [String],
        _ errorFile: String
    ) -> (pid_t, Int32) {
        var pipes: [Int32] = [0, 0]
        #expect(pipe(&pipes) == 0)
        for descriptor in pipes { #expect(fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errorFile, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var arguments = pointers(command)
        let inherited = ["PATH", "HOME", "LD_LIBRARY_PATH"].compactMap { (name: String) -> String? in
            getenv(name).map { "\(name)=\(String(cString: $0))" }
        }
        var variables = pointers(inherited + environment)
        defer { for text in arguments + variables { free(text) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, command[0], &actions, nil, &arguments, &variables)
        close(pipes[1])
        #expect(code == 0, "\(command[0]) could not be started: \(String(cString: strerror(code)))")
        return (process, pipes[0])
    }

    /// The texts as C takes them, a null pointer behind them.
    private static func pointers(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var pointers: [UnsafeMutablePointer<CChar>?] = []
        for text in texts { pointers.append(strdup(text)) }
        pointers.append(nil)
        return pointers
    }
}

/// The text of a file; empty when there is none.
func contents(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += buffer.prefix(count)
    }
}

/// A log that a child writes, and what it has answered over all its lives.
struct ChildLog {
    let scratch: Scratch
    var log: String
    var broker: String
    var answered: [UInt64: Int64] = [:]

    init(_ scratch: Scratch, directory: String? = nil) {
        self.scratch = scratch
        log = directory.map { $0 + "/test.db" } ?? scratch.log
        broker = scratch.path + "/broker"
    }

    /// Appends up to the number `last`, beginning with the first that was never answered: some may be there already.
    mutating func run(
        upTo last: UInt64,
        environment: [String] = [],
        _ whenAnswered: (Int, pid_t) -> Void = { _, _ in }
    ) throws -> ChildRun {
        let first = (1...last).first { answered[$0] == nil } ?? last
        let run = try ChildRun(log, first...last, broker: broker, environment: environment, whenAnswered)
        for (number, position) in run.answers { answered[number] = position }
        return run
    }

    /// Everything that has to hold at any moment when no child runs.
    func check() throws {
        let report = try LogVerifier.verify(path: log, projections: [])
        #expect(report.violations == [])
        let reader = try LogReader(path: log)
        let events = try reader.events(after: 0, limit: 1_000_000)
        let positions = Dictionary(events.map { ($0.id.low, $0.position) }, uniquingKeysWith: { first, _ in first })
        #expect(positions.count == events.count, "an event is there twice")
        for (number, position) in answered {
            #expect(positions[number] == position, "\(number) was answered with \(position)")
        }
        // What the publisher takes for confirmed was published; nothing was published that is not in the log.
        let published = contents(broker).split(separator: "\n").compactMap { UInt64($0) }
        let cursor = try reader.cursor("publisher")
        #expect(
            Set(published).isSuperset(of: events.prefix(Int(cursor)).map(\.id.low)),
            "the cursor \(cursor) is ahead"
        )
        #expect(Set(events.map(\.id.low)).isSuperset(of: published), "an uncommitted event was published")
    }
}
