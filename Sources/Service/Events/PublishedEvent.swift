package import Contracts

/// Something that happened to a public object, as other programs are told: a CloudEvents 1.0 document in structured
/// JSON whose `data` is the object right after the event, times as RFC 3339 text or null.
package struct PublishedEvent: Sendable {
    /// The id of the event in the log: the same however often it is published.
    package var id: ID
    /// The daemon whose log it is of.
    package var source: String
    package var type: String
    /// The object's id.
    package var subject: ID
    package var time: Timestamp
    package var customer: ID
    /// The position in the log: it rises with each event of one source.
    package var sequence: Int64
    package var correlation: ID
    package var causation: ID?
    /// The public object, times as microseconds.
    package var object: JSONValue

    package init(
        id: ID,
        source: String,
        type: String,
        subject: ID,
        time: Timestamp,
        customer: ID,
        sequence: Int64,
        correlation: ID,
        causation: ID?,
        object: JSONValue
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.customer = customer
        self.sequence = sequence
        self.correlation = correlation
        self.causation = causation
        self.object = object
    }

    /// Appends the document as compact UTF-8 text.
    package func write(into output: inout [UInt8]) {
        output.append(contentsOf: "{\"specversion\":\"1.0\",\"id\":\"".utf8)
        id.write(into: &output)
        output.append(contentsOf: "\",\"source\":\"".utf8)
        output.append(contentsOf: source.utf8)
        output.append(contentsOf: "\",\"type\":\"".utf8)
        output.append(contentsOf: type.utf8)
        output.append(contentsOf: "\",\"subject\":\"".utf8)
        subject.write(into: &output)
        output.append(contentsOf: "\",\"time\":\"".utf8)
        output.append(contentsOf: time.rfc3339.utf8)
        output.append(contentsOf: "\",\"customerid\":\"".utf8)
        customer.write(into: &output)
        output.append(contentsOf: "\",\"sequence\":\"".utf8)
        output.append(contentsOf: String(sequence).utf8)
        output.append(contentsOf: "\",\"correlationid\":\"".utf8)
        correlation.write(into: &output)
        output.append(contentsOf: "\",\"causationid\":".utf8)
        JSONValue.optional(causation).write(into: &output)
        output.append(contentsOf: ",\"datacontenttype\":\"application/json\",\"data\":{".utf8)
        writeData(into: &output)
        output.append(contentsOf: "}}".utf8)
    }

    private func writeData(into output: inout [UInt8]) {
        var hasCustomer = false
        for member in object.object?.members ?? [] {
            JSONValue.string(member.name).write(into: &output)
            output.append(UInt8(ascii: ":"))
            if PublishedEvent.isTime(member.name), case .integer(let microseconds) = member.value {
                output.append(UInt8(ascii: "\""))
                output.append(contentsOf: Timestamp(microseconds: microseconds).rfc3339.utf8)
                output.append(UInt8(ascii: "\""))
            } else if PublishedEvent.holdsTimes(member.name) {
                PublishedEvent.told(member.value).write(into: &output)
            } else {
                member.value.write(into: &output)
            }
            output.append(UInt8(ascii: ","))
            hasCustomer = hasCustomer || member.name == "customer_id"
        }
        guard !hasCustomer else {
            output.removeLast()
            return
        }
        output.append(contentsOf: "\"customer_id\":\"".utf8)
        customer.write(into: &output)
        output.append(UInt8(ascii: "\""))
    }

    /// The members of public objects that are moments.
    private static func isTime(_ name: String) -> Bool {
        name.hasPrefix("tm_") || name == "next_try_at" || name == "waiting_until" || name == "wrap_up_until"
    }

    /// The members that hold objects with moments; what customers gave is left as it is.
    private static func holdsTimes(_ name: String) -> Bool { name == "current_action" || name == "executed_actions" }

    private static func told(_ json: JSONValue) -> JSONValue {
        switch json {
        case .array(let values): return .array(values.map(told))
        case .object(let object):
            var told = JSONObject()
            for member in object.members {
                if isTime(member.name), case .integer(let microseconds) = member.value {
                    told.append(member.name, .string(Timestamp(microseconds: microseconds).rfc3339))
                } else {
                    told.append(member.name, member.value)
                }
            }
            return .object(told)
        default: return json
        }
    }
}
