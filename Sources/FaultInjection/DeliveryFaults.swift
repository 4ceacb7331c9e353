import Glibc

/// What a bad network does to messages, so that tests can do it to those between the daemons.
///
/// Builds for debugging read `CARILLON_DELIVERY_FAULTS=seed:percent:milliseconds`: that share of the deliveries arrives
/// twice, that share late by up to so many milliseconds, and those that arrive together arrive in any order.
package struct DeliveryFaults: Sendable {
    private var state: UInt64
    private let percent: UInt64
    private let longestDelay: UInt64

    /// Nil unless this process was told to; always in release builds.
    package init?() {
        #if FAULT_INJECTION
        guard let text = getenv("CARILLON_DELIVERY_FAULTS").map({ String(cString: $0) }) else { return nil }
        let numbers = text.split(separator: ":").compactMap { UInt64($0) }
        guard numbers.count == 3, numbers[1] <= 100 else {
            fatalError("CARILLON_DELIVERY_FAULTS=\(text): write seed:percent:milliseconds, as 7:20:300")
        }
        // Each process has its own course, and the seed still names it.
        (state, percent, longestDelay) = (numbers[0] &* 0x9E37_79B9_7F4A_7C15 | 1, numbers[1], numbers[2])
        #else
        return nil
        #endif
    }

    /// One arrival of a delivery: the original, or a copy that must not be acknowledged.
    package struct Arrival<Message: Sendable>: Sendable {
        package let message: Message
        package let isCopy: Bool
        /// Milliseconds.
        package let delay: Int
    }

    /// How `messages` arrive, the ones without delay in their order of arrival.
    package mutating func arrivals<Message>(of messages: [Message]) -> [Arrival<Message>] {
        var arrivals: [Arrival<Message>] = []
        for message in messages {
            arrivals.append(Arrival(message: message, isCopy: false, delay: delay()))
            if isHit() { arrivals.append(Arrival(message: message, isCopy: true, delay: delay())) }
        }
        for index in arrivals.indices.reversed() where index > 0 {
            arrivals.swapAt(index, Int(next() % UInt64(index + 1)))
        }
        return arrivals
    }

    private mutating func isHit() -> Bool { next() % 100 < percent }

    private mutating func delay() -> Int { isHit() ? Int(next() % (longestDelay + 1)) : 0 }

    /// xorshift64*, Vigna 2016.
    private mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 2_685_821_657_736_338_717 >> 11
    }
}
