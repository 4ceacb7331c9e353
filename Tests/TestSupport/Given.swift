package import Contracts

/// The state of an aggregate after `events`, one second apart from 2026-01-01 on: the "given" of a domain test.
package func given<A: Aggregate>(_: A.Type, _ events: [A.Event]) -> A? {
    var state: A?
    for (index, event) in events.enumerated() { A.evolve(&state, event, at: moment(index)) }
    return state
}

/// Seconds after 2026-01-01 00:00:00 UTC.
package func moment(_ seconds: Int) -> Timestamp {
    Timestamp(microseconds: 1_767_225_600_000_000 + Int64(seconds) * 1_000_000)
}

/// A readable id: the same for the same number.
package func id(_ number: UInt64) -> ID { ID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | number) }

package func body(_ json: JSONValue) throws -> RequestBody { try RequestBody(json) }

package func tel(_ number: String) -> Address { Address(type: "tel", target: number) }
