import NIOCore
import Testing

@testable import AMQP

@Suite("Handshake")
struct HandshakeTests {
    private func machine() throws -> Handshake {
        Handshake(try AMQPConfiguration(url: "amqp://me:pw@h/own", connectionName: "test"))
    }
    private let start = Method.connectionStart(major: 0, minor: 9, properties: [:], mechanisms: "AMQPLAIN PLAIN")

    @Test func theScriptOfASuccess() throws {
        var machine = try machine()
        guard case .send(let first) = machine.receive(start),
            case .connectionStartOK(let properties, "PLAIN", "\0me\0pw") = first.first
        else {
            Issue.record("no start-ok")
            return
        }
        guard case .table(let capabilities) = properties["capabilities"] else {
            Issue.record("no capabilities")
            return
        }
        #expect(
            Set(capabilities.keys) == [
                "authentication_failure_close", "basic.nack", "connection.blocked", "consumer_cancel_notify",
                "publisher_confirms",
            ]
        )
        let offer = Method.Limits(channelMax: 100, frameMax: 0, heartbeat: 60)
        let agreed = Method.Limits(channelMax: 100, frameMax: 131_072, heartbeat: 10)
        #expect(
            machine.receive(.connectionTune(offer))
                == .send([.connectionTuneOK(agreed), .connectionOpen(virtualHost: "own")])
        )
        #expect(machine.receive(.connectionOpenOK) == .opened)
        #expect(machine.state == .open)
    }

    @Test func aRefusedPasswordIsAccessRefused() throws {
        var machine = try machine()
        _ = machine.receive(start)
        guard
            case .fail(.accessRefused, let message) = machine.receive(
                .connectionClose(.init(code: 403, text: "ACCESS_REFUSED - Login was refused"))
            )
        else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains("user 'me'"))
        #expect(!message.contains("pw"))
    }

    @Test func aHangUpAfterThePasswordIsAccessRefused() throws {
        var machine = try machine()
        _ = machine.receive(start)
        guard case .fail(.accessRefused, _) = machine.receiveEnd() else {
            Issue.record("not refused")
            return
        }
    }

    @Test func anythingElseIsAViolation() throws {
        var machine = try machine()
        guard case .fail(.protocolViolation, _) = machine.receive(.basicQosOK) else {
            Issue.record("accepted")
            return
        }
        var tiny = try self.machine()
        _ = tiny.receive(start)
        guard
            case .fail(.protocolViolation, _) = tiny.receive(
                .connectionTune(.init(channelMax: 1, frameMax: 100, heartbeat: 0))
            )
        else {
            Issue.record("accepted")
            return
        }
    }
}

@Suite("Confirm tracker")
struct ConfirmTrackerTests {
    private func tracker(_ batches: [Int]) -> ConfirmTracker {
        var tracker = ConfirmTracker()
        for (number, count) in batches.enumerated() {
            tracker.open(batch: UInt64(number), count: count)
            for index in 0..<count {
                tracker.published(
                    batch: UInt64(number),
                    index: index,
                    key: .init(exchange: "", routingKey: "k\(index)")
                )
            }
        }
        return tracker
    }

    @Test func multipleSettlesEverythingUpToItsTag() {
        var tracker = tracker([2, 2])
        #expect(
            tracker.confirmed(tag: 3, multiple: true, positive: true) == [.init(batch: 0, outcomes: [.acked, .acked])]
        )
        #expect(
            tracker.confirmed(tag: 4, multiple: false, positive: false) == [
                .init(batch: 1, outcomes: [.acked, .nacked])
            ]
        )
        #expect(tracker.openBatches == 0)
    }

    @Test func confirmsMayComeInAnyOrder() {
        var tracker = tracker([3])
        #expect(tracker.confirmed(tag: 3, multiple: false, positive: true).isEmpty)
        #expect(tracker.confirmed(tag: 1, multiple: false, positive: false).isEmpty)
        #expect(tracker.confirmed(tag: 1, multiple: false, positive: true).isEmpty)
        #expect(
            tracker.confirmed(tag: 2, multiple: true, positive: true)
                == [.init(batch: 0, outcomes: [.nacked, .acked, .acked])]
        )
    }

    @Test func aReturnComesBeforeItsConfirm() {
        var tracker = tracker([3])
        tracker.returned(.init(exchange: "", routingKey: "k1"), code: 312, text: "NO_ROUTE")
        tracker.returned(.init(exchange: "", routingKey: "unknown"), code: 312, text: "NO_ROUTE")
        #expect(
            tracker.confirmed(tag: 0, multiple: true, positive: true)
                == [.init(batch: 0, outcomes: [.acked, .returned(code: 312, text: "NO_ROUTE"), .acked])]
        )
    }

    @Test func messagesThatLookAlikeAreToldApartByTheirNumber() {
        let key = ConfirmTracker.ReturnKey(exchange: "", routingKey: "k", messageID: "same")
        var tracker = ConfirmTracker()
        tracker.open(batch: 0, count: 3)
        var numbers: [UInt64?] = []
        for index in 0..<3 {
            numbers.append(tracker.number(for: key))
            tracker.published(batch: 0, index: index, key: key)
        }
        #expect(numbers == [nil, 2, 3])
        // 9 was never given, so it means the one without a number; the number of another kind of message likewise.
        tracker.returned(key, number: 3, code: 312, text: "NO_ROUTE")
        tracker.returned(.init(exchange: "", routingKey: "other"), number: 2, code: 312, text: "NO_ROUTE")
        #expect(tracker.confirmed(tag: 1, multiple: false, positive: true).isEmpty)
        tracker.returned(key, number: 9, code: 312, text: "NO_ROUTE")
        let returned = PublishOutcome.returned(code: 312, text: "NO_ROUTE")
        #expect(
            tracker.confirmed(tag: 3, multiple: true, positive: true)
                == [.init(batch: 0, outcomes: [.acked, .acked, returned])]
        )
        #expect(tracker.number(for: key) == nil)
    }

    @Test func whatExpiresIsUnknownAndLaterConfirmsMeanNothing() {
        var tracker = tracker([2, 1])
        _ = tracker.confirmed(tag: 1, multiple: false, positive: true)
        #expect(tracker.expire(batch: 0) == .init(batch: 0, outcomes: [.acked, .unknown]))
        #expect(tracker.confirmed(tag: 2, multiple: false, positive: true).isEmpty)
        #expect(tracker.expireAll() == [.init(batch: 1, outcomes: [.unknown])])
    }

    @Test func tagsThatCannotBeHaveNoEffect() {
        var tracker = tracker([1])
        #expect(tracker.confirmed(tag: 2, multiple: true, positive: true).isEmpty)
        #expect(tracker.confirmed(tag: .max, multiple: false, positive: true).isEmpty)
        #expect(tracker.confirmed(tag: 0, multiple: false, positive: true).isEmpty)
        #expect(tracker.openBatches == 1)
    }
}

@Suite("Ack coalescer")
struct AckCoalescerTests {
    private func coalescer(_ count: UInt64) -> AckCoalescer {
        var coalescer = AckCoalescer()
        for tag in 1...count { _ = coalescer.delivered(tag) }
        return coalescer
    }
    private func acks(_ tags: UInt64...) -> [Settlement] { tags.map { Settlement(tag: $0, verdict: .acknowledge) } }

    @Test func neighboursShareOneMethod() {
        var coalescer = coalescer(5)
        #expect(coalescer.settle(acks(3, 1, 2)) == [.basicAck(tag: 3, multiple: true)])
        #expect(coalescer.settle(acks(4)) == [.basicAck(tag: 4, multiple: false)])
        #expect(coalescer.settle(acks(4, 1, 9)).isEmpty)
    }

    @Test func aGapIsNeverCovered() {
        var coalescer = coalescer(5)
        #expect(
            coalescer.settle(acks(1, 2, 4, 5))
                == [
                    .basicAck(tag: 2, multiple: true), .basicAck(tag: 4, multiple: false),
                    .basicAck(tag: 5, multiple: false),
                ]
        )
        #expect(coalescer.settle(acks(3)) == [.basicAck(tag: 3, multiple: false)])
    }

    @Test func rejectsGoBeforeTheMultipleThatPassesThem() {
        var coalescer = coalescer(3)
        let mixed = acks(1, 3) + [Settlement(tag: 2, verdict: .requeue)]
        #expect(
            coalescer.settle(mixed) == [.basicReject(tag: 2, requeue: true), .basicAck(tag: 3, multiple: true)]
        )
    }

    @Test func tagsOutOfOrderAreNoticed() {
        var coalescer = coalescer(1)
        let answers = [coalescer.delivered(3), coalescer.delivered(1), coalescer.delivered(2)]
        #expect(answers == [false, false, true])
    }
}

@Suite("Content assembly")
struct ContentAssemblyTests {
    private let method = Method.basicDeliver(consumer: "c", tag: 1, redelivered: false, exchange: "", routingKey: "k")

    @Test func framesOutOfOrderAreViolations() throws {
        var assembly = ContentAssembly()
        #expect(throws: AMQPError.self) { try assembly.header(bodySize: 1, Properties()) }
        #expect(throws: AMQPError.self) { try assembly.body([1]) }
        try assembly.begin(method)
        #expect(throws: AMQPError.self) { try assembly.begin(method) }
        #expect(try assembly.header(bodySize: 2, Properties()) == nil)
        #expect(throws: AMQPError.self) { try assembly.body([1, 2, 3]) }
    }

    @Test func aBodyOfImpossibleSizeIsRefused() throws {
        var assembly = ContentAssembly()
        try assembly.begin(method)
        #expect(throws: AMQPError.self) { try assembly.header(bodySize: .max, Properties()) }
    }
}

@Suite("Clocks")
struct ClockTests {
    @Test func heartbeatsGoOutWhenIdleAndSilenceIsDeath() {
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        var clock = HeartbeatClock(interval: .seconds(10), now: start)
        #expect(clock.check(at: start + .seconds(4)) == .none)
        #expect(clock.check(at: start + .seconds(5)) == .send)
        clock.sent(at: start + .seconds(5))
        #expect(clock.check(at: start + .seconds(9)) == .none)
        #expect(clock.check(at: start + .seconds(20)) == .dead)
        clock.received(at: start + .seconds(19))
        #expect(clock.check(at: start + .seconds(38)) == .send)
    }

    @Test func backoffGrowsToItsLimit() {
        var backoff = Backoff(.milliseconds(100) ... .seconds(10))
        let waits = (0..<9).map { _ in backoff.next(fraction: 1) }
        #expect(waits.first == .milliseconds(100))
        #expect(waits[3] == .milliseconds(800))
        #expect(waits.last == .seconds(10))
        backoff.reset()
        #expect(backoff.next(fraction: 0.5) == .milliseconds(50))
    }
}
