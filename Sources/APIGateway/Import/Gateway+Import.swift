import Contracts
import HummingbirdCore
import NIOCore

extension Gateway {
    /// Streams the rows of a body into an outdial.
    func importTargets(into outdial: ID, body: HTTPBody, call: ClientCall, caller: Identity) async throws -> Answer {
        let duplicates = call.query["duplicates"] ?? "skip"
        guard ["skip", "keep"].contains(duplicates) else { throw Refusal.invalid("duplicates", "must be skip or keep") }
        guard let format = ImportFormat(rawValue: call.mediaType) else {
            throw Refusal.invalid("Content-Type", "must be text/csv or application/x-ndjson")
        }
        let isDryRun = try call.isDryRun()
        let ids =
            try call.idempotencyKey().map { ImportIDs(key: $0, customer: caller.customerID, outdial: outdial) }
            ?? ImportIDs(at: configuration.now())
        // Asked first, so that a wrong path is told at once and also for a file without rows.
        _ = try await managers.result(
            "outdial.get",
            ["id": .id(outdial)],
            of: .outdial,
            caller: caller,
            correlation: call.correlation
        )
        // Not that of the key: a client may try the same file in two places at a time.
        var generator = IDGenerator()
        let dryRun = isDryRun ? generator.next(at: configuration.now()) : nil
        let target = TargetImport(ids: ids, isDryRun: isDryRun) { (rows, slice) async throws(Refusal) -> JSONValue in
            var params: JSONObject = [
                "outdial_id": .id(outdial), "request_id": .id(slice.id), "duplicates": .string(duplicates),
                "rows": rows,
            ]
            if let dryRun { params.append("dry_run", ["id": .id(dryRun), "is_first": .bool(slice.isFirst)]) }
            return try await managers.result(
                "target.import",
                .object(params),
                of: .outdial,
                caller: caller,
                correlation: call.correlation,
                deadline: configuration.importDeadline
            )
        }
        return try await read(body, format, .people, into: target)
    }

    /// Streams the rows of a body onto a do-not-call list.
    func importNumbers(into list: ID, body: HTTPBody, call: ClientCall, caller: Identity) async throws -> Answer {
        guard let format = ImportFormat(rawValue: call.mediaType) else {
            throw Refusal.invalid("Content-Type", "must be text/csv or application/x-ndjson")
        }
        // Numbers that are on the list already are duplicates: a repeat needs no memory of the first try.
        let ids = ImportIDs(at: configuration.now())
        let isOperator = JSONValue.bool(caller.isOperator)
        _ = try await managers.result(
            "dnclist.get",
            ["id": .id(list), "is_operator": isOperator],
            of: .outdial,
            caller: caller,
            correlation: call.correlation
        )
        let target = TargetImport(ids: ids) { (rows, slice) async throws(Refusal) -> JSONValue in
            try await managers.result(
                "dnclist.import",
                ["id": .id(list), "request_id": .id(slice.id), "is_operator": isOperator, "rows": rows],
                of: .outdial,
                caller: caller,
                correlation: call.correlation,
                deadline: configuration.importDeadline
            )
        }
        return try await read(body, format, .numbers, into: target)
    }

    private func read(
        _ body: HTTPBody,
        _ format: ImportFormat,
        _ columns: ImportColumns,
        into target: TargetImport
    ) async throws -> Answer {
        switch format {
        case .csv: Answer(try await read(body, with: CSVImportReader(columns), into: target))
        case .lines: Answer(try await read(body, with: LineImportReader(), into: target))
        }
    }

    private func read(
        _ body: HTTPBody,
        with reader: some ImportReader,
        into target: TargetImport
    ) async throws -> JSONValue {
        var reader = reader
        var target = target
        for try await chunk in body {
            // A plain array: going through a buffer's bytes one by one costs several times as much.
            for entry in try reader.feed(Array(chunk.readableBytesView)) { try await target.add(entry) }
        }
        for entry in try reader.finish() { try await target.add(entry) }
        return try await target.finish()
    }
}

extension ClientCall {
    /// `?dry_run=`; throws for what is neither yes nor no: a file must not be imported by a slip of the pen.
    fileprivate func isDryRun() throws(Refusal) -> Bool {
        switch query["dry_run"] {
        case nil, "false", "0": return false
        case "true", "1": return true
        default: throw .invalid("dry_run", "must be true or false")
        }
    }
}
