import Contracts
import HTTPTypes
import Testing

@testable import APIGateway

@Suite struct ImportTests {
    private let path = "/v1.0/outdials/\(FakeManagers.object)/targets/import"
    private static let counting: FakeManagers.Script = { request, _ in
        let rows = request.params["rows"].array ?? []
        return .result(["imported": .integer(rows.count), "rejected": 0, "duplicates": 0, "errors": []])
    }

    private func headers(_ type: String) -> HTTPFields { [.authorization: "Bearer \(key)", .contentType: type] }

    private func records(_ text: [UInt8], chunk: Int, rowLimit: Int = 100) -> [CSVRecord] {
        var tokenizer = CSVTokenizer(rowLimit: rowLimit)
        var records: [CSVRecord] = []
        for start in stride(from: 0, to: text.count, by: chunk) {
            tokenizer.feed(text[start..<min(start + chunk, text.count)]) { records.append($0) }
        }
        tokenizer.finish { records.append($0) }
        return records
    }

    @Test func theSameRecordsComeOutHoweverTheBytesArrive() {
        let text = "\u{FEFF}a,b\r\n\"x,\"\"y\"\"\r\nz\",\"\"\r\n\r\nq\"r,é\nlast,"
        let bytes = Array(text.utf8)
        let whole = records(bytes, chunk: bytes.count)
        #expect(whole.map(\.line) == [1, 2, 5, 6])
        #expect(
            whole.map { record in (0..<record.fieldCount).map { record.text($0) } } == [
                ["a", "b"], ["x,\"y\"\r\nz", ""], ["q\"r", "é"], ["last", ""],
            ]
        )
        for chunk in 1..<bytes.count { #expect(records(bytes, chunk: chunk) == whole) }
        for split in 0...bytes.count {
            var tokenizer = CSVTokenizer(rowLimit: 100)
            var found: [CSVRecord] = []
            tokenizer.feed(bytes[..<split]) { found.append($0) }
            tokenizer.feed(bytes[split...]) { found.append($0) }
            tokenizer.finish { found.append($0) }
            #expect(found == whole)
        }
    }

    @Test func recordsThatCannotBeReadSayWhy() {
        let long = records(Array("a,\(String(repeating: "x", count: 200))\nb,c\n".utf8), chunk: 7)
        #expect(long.map(\.problem) == [.tooLong, nil])
        #expect(records(Array("a\n\"b\nc".utf8), chunk: 3).map(\.problem) == [nil, .unclosedQuote])
        #expect(records(Array("\"a\"b,c\nd\n".utf8), chunk: 3).map(\.problem) == [.textAfterQuote, nil])
    }

    @Test func rowsAreSentInSlicesWithRisingIDs() async throws {
        let managers = FakeManagers(script: ImportTests.counting)
        let rows = (0..<1200).map { "+1555\(1_000_000 + $0),Ann" }.joined(separator: "\n")
        let answer = try await send(
            .post,
            path + "?duplicates=keep",
            body: "Destination_0, first_name\n" + rows,
            headers: headers("text/csv; charset=utf-8"),
            to: managers
        )
        #expect(answer.json == ["imported": 1200, "rejected": 0, "duplicates": 0, "errors": []])
        let slices = await managers.asked("target.import").map(\.params)
        #expect(slices.map { $0["rows"].array?.count } == [500, 500, 200])
        #expect(Set(slices.map { $0["request_id"] }).count == 3 && slices[0]["duplicates"] == "keep")
        let sent = slices.flatMap { $0["rows"].array ?? [] }
        #expect(sent[0]["values"] == ["destination_0": "+15551000000", "first_name": "Ann"] && sent[0]["line"] == 2)
        let ids = sent.compactMap { $0["id"].id }
        #expect(ids.count == 1200 && ids == ids.sorted() && Set(ids).count == 1200)
    }

    @Test func aRepeatWithTheSameKeyHasTheSameIDs() async throws {
        let managers = FakeManagers(script: ImportTests.counting)
        var fields = headers("text/csv")
        fields[try #require(HTTPField.Name("Idempotency-Key"))] = "abc"
        for _ in 0..<2 {
            _ = try await send(.post, path, body: "destination_0\n+15551230000", headers: fields, to: managers)
        }
        let slices = await managers.asked("target.import").map(\.params)
        #expect(slices.count == 2 && slices[0] == slices[1])
    }

    @Test func badRowsAreReportedInTheOrderOfTheFile() async throws {
        let managers = FakeManagers { request, _ in
            guard request.method == "target.import" else { return .result([:]) }
            return .result([
                "imported": 0, "rejected": 1, "duplicates": 1,
                "errors": [["line": 3, "column": "destination_0", "reason": "bad", "value_masked": "...0000"]],
            ])
        }
        let body = "destination_0,name\n+15551230000\n0000,a\n+15551230001,b\n1,2,3\n"
        let answer = try await send(.post, path, body: body, headers: headers("text/csv"), to: managers)
        #expect(answer.json["rejected"] == 3 && answer.json["duplicates"] == 1)
        let errors = answer.json["errors"].array ?? []
        #expect(errors.map { $0["line"] } == [2, 3, 5])
        #expect(errors.first?["column"] == "name" && errors.first?["reason"].string?.contains("1 columns") == true)
    }

    @Test func jsonLinesAreReadAsText() async throws {
        let managers = FakeManagers(script: ImportTests.counting)
        let body = """
            {"destination_0":{"target":"+15551230000"},"priority":3,"data":{"a":1},"name":null}

            {broken
            {"destination_0":"sip:a@b","city":"Ulm"}
            """
        let answer = try await send(.post, path, body: body, headers: headers("application/x-ndjson"), to: managers)
        #expect(answer.json["imported"] == 2 && answer.json["rejected"] == 1)
        #expect(answer.json["errors"].array?.first?["line"] == 3)
        let rows = await managers.asked("target.import").first?.params["rows"].array ?? []
        #expect(rows[0]["values"] == ["destination_0": "+15551230000", "priority": "3", "data": #"{"a":1}"#])
        #expect(rows[1]["line"] == 4)
    }

    @Test func whatCannotBeImportedIsToldBeforeAnyRow() async throws {
        for (body, type) in [("name\na\n", "text/csv"), ("", "text/csv"), ("{}", "application/json")] {
            let managers = FakeManagers(script: ImportTests.counting)
            let answer = try await send(.post, path, body: body, headers: headers(type), to: managers)
            #expect(answer.code == 400)
            #expect(await managers.asked("target.import").isEmpty)
        }
        let missing = FakeManagers { _, _ in .refused(.notFound("OUTDIAL_NOT_FOUND", "no such outdial")) }
        let answer = try await send(.post, path, body: "destination_0\n1", headers: headers("text/csv"), to: missing)
        #expect(answer.code == 404 && answer.reason == "OUTDIAL_NOT_FOUND")
    }
}
