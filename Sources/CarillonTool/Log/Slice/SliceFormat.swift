import ArgumentParser
import Contracts
import EventLog
import Foundation

/// The file of a slice: JSON lines, first the header, then each log's events by position.
///
/// ```
/// {"carillon_slice":1,"tool":"1.0.0","scope":"target:…","masked":false,"logs":[{"name":"campaign-manager",
///  "log_id":"…","head":123,"events":45,"schemas":{"campaign_created":[1]},"partial":["…"],"left_out":{"target":9}}]}
/// {"log":"campaign-manager","position":7,"prior":"…","stream":"…","version":1,"type":"…","schema":1,"event_id":"…",
///  "correlation_id":"…","causation_id":null,"recorded_at":1767225600000000,"actor":"…","data":{…},"salt":"…",
///  "data_hash":"…","chain":"…"}
/// ```
/// Hashes and salt are hexadecimal; `prior` is the chain value before an event that follows a gap. Data that is no
/// canonical JSON is `data_base64`; data that was erased is null, and so is its salt.
enum SliceFormat {
    static let version: Int64 = 1

    /// What the header says of one log.
    struct Log: Sendable {
        var name: String
        var logID: ID
        var head: Int64
        var events: Int
        var schemas: [String: Set<Int>]
        var partial: [String]
        var leftOut: [String: Int]

        var json: JSONValue {
            var schemas = JSONObject()
            for (type, numbers) in self.schemas.sorted(by: { $0.key < $1.key }) {
                schemas.append(type, .array(numbers.sorted().map { .integer($0) }))
            }
            return [
                "name": .string(name), "log_id": .id(logID), "head": .integer(head), "events": .integer(events),
                "schemas": .object(schemas), "partial": .array(partial.map { .string($0) }),
                "left_out": SliceFormat.counts(leftOut),
            ]
        }
    }

    static func counts(_ counts: [String: Int]) -> JSONValue {
        var object = JSONObject()
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) { object.append(name, .integer(count)) }
        return .object(object)
    }

    static func header(_ scope: SliceScope, isMasked: Bool, _ logs: [Log]) -> JSONValue {
        [
            "carillon_slice": .integer(version), "tool": .string(Carillon.configuration.version),
            "scope": .string(scope.text), "masked": .bool(isMasked), "logs": .array(logs.map(\.json)),
        ]
    }

    // MARK: - Events

    static func line(_ log: String, _ stored: StoredEvent, prior: [UInt8]?) -> JSONValue {
        let event = stored.event
        var line: JSONObject = ["log": .string(log), "position": .integer(event.position)]
        if let prior { line.append("prior", .string(hex(prior))) }
        line.append("stream", .string(event.stream))
        line.append("version", .integer(event.version))
        line.append("type", .string(event.type))
        line.append("schema", .integer(event.schema))
        line.append("event_id", .id(event.id))
        line.append("correlation_id", .id(event.correlation))
        line.append("causation_id", .optional(event.causation))
        line.append("recorded_at", .integer(event.recordedAt.microseconds))
        line.append("actor", .string(event.actor))
        if let data = event.data {
            if let json = try? JSONValue(parsing: data), json.bytes == data {
                line.append("data", json)
            } else {
                line.append("data_base64", .string(Data(data).base64EncodedString()))
            }
        } else {
            line.append("data", .null)
        }
        line.append("salt", .optional(stored.salt.map(hex)))
        line.append("data_hash", .string(hex(stored.dataHash)))
        line.append("chain", .string(hex(stored.chain)))
        return .object(line)
    }

    /// Reads what ``line(_:_:prior:)`` wrote; throws ``JSONError`` or ``ToolError``.
    static func event(_ line: JSONValue) throws -> (log: String, stored: StoredEvent, prior: [UInt8]?) {
        let data: [UInt8]?
        if let text = line["data_base64"].string {
            guard let decoded = Data(base64Encoded: text) else { throw ToolError.failed("data_base64 is no base64") }
            data = [UInt8](decoded)
        } else {
            data = line["data"].isNull && line["salt"].isNull ? nil : line["data"].bytes
        }
        let event = RecordedEvent(
            position: try line.requireInteger("position"),
            stream: try line.requireString("stream"),
            version: try line.requireInteger("version"),
            type: try line.requireString("type"),
            schema: try line.requireInt("schema"),
            id: try line.requireID("event_id"),
            correlation: try line.requireID("correlation_id"),
            causation: line["causation_id"].id,
            recordedAt: try line.requireTime("recorded_at"),
            actor: try line.requireString("actor"),
            data: data
        )
        let stored = StoredEvent(
            event: event,
            salt: try line["salt"].isNull ? nil : bytes(line, "salt"),
            dataHash: try bytes(line, "data_hash"),
            chain: try bytes(line, "chain")
        )
        return (try line.requireString("log"), stored, try line["prior"].isNull ? nil : bytes(line, "prior"))
    }

    private static func bytes(_ line: JSONValue, _ name: String) throws -> [UInt8] {
        let text = Array(try line.requireString(name).utf8)
        let digits = text.compactMap { Int8(String(UnicodeScalar($0)), radix: 16) }
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else {
            throw ToolError.failed("\(name) is not hexadecimal")
        }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0]) << 4 | UInt8(digits[$0 + 1]) }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
