package import Contracts

/// One number on one do-not-call list.
package struct DNCNumber: Aggregate, Hashable {
    package static let category = "dncnumber"

    package var list: ID
    /// That of the list: ``ID/none`` for a list of the whole installation.
    package var customer: ID
    /// As ``DialedNumber/read(_:field:)`` writes it.
    package var number: String
    package var origin: Origin
    package var createdAt: Timestamp
    package var deletedAt: Timestamp?

    /// How it came onto the list.
    package struct Origin: Hashable, Sendable {
        package enum Source: String, Sendable, CaseIterable {
            case api
            case imported = "import"
            /// The person said so during a call.
            case optOut = "opt_out"
        }
        package var source: Source
        /// With `opt_out`: that attempt.
        package var attempt: ID
        package var reason: String

        package init(source: Source, attempt: ID = .none, reason: String = "") {
            self.source = source
            self.attempt = attempt
            self.reason = reason
        }
    }

    /// The id of `number` on `list`: adding it again finds the one that is there.
    ///
    /// Two sums of FNV-1a over the number, from starts that follow from the list; within one list a collision of 122
    /// bits is not to be expected.
    package static func id(of number: String, on list: ID) -> ID {
        var (high, low): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x9AE1_6A3B_2F90_404F)
        for byte in list.bytes + Array(number.utf8) {
            high = (high ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
            low = (low ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 ^ (low >> 29)
        }
        // Version 8 (RFC 9562): an id of our own making.
        return ID(
            high: high & 0xFFFF_FFFF_FFFF_0FFF | 0x8000,
            low: low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        )
    }
}

/// What happens to a number of a do-not-call list.
package enum DNCNumberEvent: DomainEvent, Hashable {
    case added(list: ID, customer: ID, number: String, origin: DNCNumber.Origin, at: Timestamp)
    case removed
}

extension DNCNumber {
    package typealias Event = DNCNumberEvent

    package static func evolve(_ state: inout DNCNumber?, _ event: DNCNumberEvent, at time: Timestamp) {
        switch event {
        case .added(let list, let customer, let number, let origin, let moment):
            state = DNCNumber(
                list: list,
                customer: customer,
                number: number,
                origin: origin,
                createdAt: moment,
                deletedAt: nil
            )
        case .removed: state?.deletedAt = time
        }
    }

    package var json: JSONValue {
        [
            "list_id": .id(list), "customer_id": .id(customer), "number": .string(number), "origin": origin.json,
            "tm_create": .time(createdAt), "tm_delete": .optional(deletedAt),
        ]
    }

    /// The public object, times as microseconds.
    package var resource: JSONValue {
        [
            "dnclist_id": .id(list), "number": .string(number), "source": .string(origin.source.rawValue),
            "campaigncall_id": .id(origin.attempt), "reason": .string(origin.reason), "tm_create": .time(createdAt),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        self.init(
            list: try json.requireID("list_id"),
            customer: try json.requireID("customer_id"),
            number: try json.requireString("number"),
            origin: try Origin(json: json["origin"]),
            createdAt: try json.requireTime("tm_create"),
            deletedAt: json.optionalTime("tm_delete")
        )
    }
}

extension DNCNumber.Origin {
    fileprivate var json: JSONValue {
        var object: JSONObject = ["source": .string(source.rawValue)]
        if !attempt.isNone { object.append("attempt_id", .id(attempt)) }
        if !reason.isEmpty { object.append("reason", .string(reason)) }
        return .object(object)
    }

    fileprivate init(json: JSONValue) throws(JSONError) {
        guard let source = Source(rawValue: try json.requireString("source")) else {
            throw JSONError("source is not known to this version")
        }
        self.init(source: source, attempt: json["attempt_id"].id ?? .none, reason: json["reason"].string ?? "")
    }
}

extension DNCNumberEvent {
    package var type: String {
        switch self {
        case .added: "dncnumber_added"
        case .removed: "dncnumber_removed"
        }
    }

    package var json: JSONValue {
        switch self {
        case .added(let list, let customer, let number, let origin, let moment):
            [
                "list_id": .id(list), "customer_id": .id(customer), "number": .string(number),
                "origin": origin.json, "tm_create": .time(moment),
            ]
        case .removed: [:]
        }
    }

    package init(type: String, schema: Int, json: JSONValue) throws(JSONError) {
        guard schema == 1 else { throw JSONError("schema \(schema) of \(type) is not known to this version") }
        switch type {
        case "dncnumber_added":
            self = .added(
                list: try json.requireID("list_id"),
                customer: try json.requireID("customer_id"),
                number: try json.requireString("number"),
                origin: try DNCNumber.Origin(json: json["origin"]),
                at: try json.requireTime("tm_create")
            )
        case "dncnumber_removed": self = .removed
        default: throw JSONError("event type \(type) is not known to this version")
        }
    }
}
