import Contracts
import EventLog
import FaultInjection
import Glibc

/// Appends numbered events to a log and publishes them.
struct Child {
    private let path: String
    private let broker: Int32
    private let writer: LogWriter<UInt64>

    /// Opens the log and the broker's file; throws ``EventLogError``.
    init(log path: String, broker: String) throws {
        self.path = path
        self.broker = open(broker, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        writer = LogWriter(log: try EventLogFile.open(path: path), lowSpace: 0) { turn, numbers in
            for number in numbers {
                let event = NewEvent(
                    type: "noted",
                    id: ID(high: 7, low: number),
                    data: ["n": .integer(Int64(number)), "text": "some words to fill a row with"] as JSONValue
                )
                let context = EventContext(correlation: ID(high: 8, low: number), actor: "system")
                let result = try turn.append([event], to: "note-\(number % 8)", expecting: .any, context: context)
                let position =
                    switch result {
                    case .appended(let events): events[0].position
                    case .already(let position): position
                    }
                turn.afterCommit { Child.say("\(number) \(position)\n", to: STDOUT_FILENO) }
            }
        }
    }

    /// Appends the events `numbers`, and returns once all are committed and published.
    func run(_ numbers: ClosedRange<UInt64>) async throws {
        let reader = try LogReader(path: path)
        var position = try reader.cursor("publisher")
        var next = numbers.lowerBound
        writer.start()
        while true {
            while next <= numbers.upperBound, writer.queued < 50 {
                let last = min(next + 4, numbers.upperBound)
                guard writer.submit(Array(next...last)) else { break }
                next = last + 1
            }
            position = try publish(reader, after: position)
            // In this order: the last event is there, so the head is final.
            if next > numbers.upperBound, try isRecorded(numbers.upperBound, reader), try position == reader.head() {
                break
            }
            await Task.yield()
        }
        writer.stop()
        await writer.stopped()
    }

    private func isRecorded(_ number: UInt64, _ reader: LogReader) throws -> Bool {
        try reader.event(id: ID(high: 7, low: number)) != nil
    }

    /// Publishes what follows `position`, and answers how far it came.
    private func publish(_ reader: LogReader, after position: Int64) throws -> Int64 {
        var position = position
        for event in try reader.events(after: position, limit: 16) {
            Child.say("\(event.id.low)\n", to: broker)
            CrashPoint.afterPublish.pass(event.type)
            position = event.position
            CrashPoint.afterConfirm.pass(event.type)
            writer.noteCursor("publisher", position)
        }
        return position
    }

    /// One system call, so that a line is there wholly or not at all.
    private static func say(_ line: String, to descriptor: Int32) {
        let bytes = Array(line.utf8)
        _ = write(descriptor, bytes, bytes.count)
    }
}

extension NewEvent {
    fileprivate init(type: String, id: ID, data: JSONValue) { self.init(type: type, id: id, data: data.bytes) }
}
