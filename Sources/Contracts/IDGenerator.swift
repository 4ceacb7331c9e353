/// Makes UUIDv7 ids (RFC 9562, section 5.7): 48 bits of milliseconds, a 12-bit counter, 62 random bits.
///
/// Ids of one generator rise strictly, also within a millisecond and when the clock steps back.
/// Not shared between threads: each owner has its own.
package struct IDGenerator: Sendable {
    private var lastMilliseconds: UInt64 = 0
    private var counter: UInt64 = 0
    private var random: RandomSource

    /// A generator seeded from the system's randomness.
    package init() {
        random = RandomSource(seed: UInt64.random(in: .min ... .max))
    }

    /// A generator whose ids repeat for a repeated seed; for tests and simulations.
    package init(seed: UInt64) {
        random = RandomSource(seed: seed)
    }

    package mutating func next(at now: Timestamp) -> ID {
        let milliseconds = UInt64(max(0, now.microseconds / 1000))
        if milliseconds > lastMilliseconds {
            lastMilliseconds = milliseconds
            counter = random.next() & 0x3FF
        } else {
            counter += 1
            if counter > 0xFFF {
                lastMilliseconds += 1
                counter = 0
            }
        }
        let high = (lastMilliseconds & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | counter
        return ID(high: high, low: random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }
}

/// A small deterministic generator: splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
package struct RandomSource: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Gives each thing made in one turn a moment of its own, so that lists ordered by creation never tie within a log.
package struct StampSource: Sendable {
    private var last = Timestamp(microseconds: 0)

    package init() {}

    package mutating func next(at now: Timestamp) -> Timestamp {
        last = max(now, Timestamp(microseconds: last.microseconds + 1))
        return last
    }
}
