import Contracts
import Testing

@Suite struct IDAndTimeTests {
    @Test func `text and bytes of an id survive`() throws {
        let text = "183c0d5c-691e-42f3-af2b-9bffc2740f83"
        let id = try #require(ID(text))
        #expect(id.description == text)
        #expect(ID(bytes: id.bytes) == id)
        #expect(ID(text.uppercased()) == id)
        for wrong in [
            "", "183c0d5c691e42f3af2b9bffc2740f83", text + "0", "g" + text.dropFirst(), String(text.dropLast()),
        ] {
            #expect(ID(wrong) == nil)
        }
    }

    @Test func `ids rise within a millisecond and when the clock steps back`() {
        var ids = IDGenerator(seed: 1)
        var last = ID.none
        for step in 0..<20_000 {
            let milliseconds: Int64 = step < 10_000 ? 1_700_000_000_000 : 1_600_000_000_000
            let next = ids.next(at: Timestamp(microseconds: milliseconds * 1000))
            #expect(next > last)
            last = next
        }
        #expect(last.description.dropFirst(14).first == "7")
    }

    @Test func `derived ids are stable and differ`() {
        var ids = IDGenerator(seed: 1)
        let id = ids.next(at: Timestamp(microseconds: 1_700_000_000_000_000))
        #expect(id.derived(0) == id)
        #expect(id.derived(3) == id.derived(3))
        #expect(Set((0..<1000).map { id.derived($0) }).count == 1000)
    }

    @Test func `times are written in the documents' form and in RFC 3339`() throws {
        let time = try #require(Timestamp(parsing: "2022-04-28 02:16:39.712142"))
        #expect(time.documented == "2022-04-28 02:16:39.712142")
        #expect(time.rfc3339 == "2022-04-28T02:16:39.712142Z")
        #expect(Timestamp.never.documented == "9999-01-01 00:00:00.000000")
    }

    @Test(arguments: [
        "2022-04-28T02:16:39.712142Z", "2022-04-28T02:16:39.712142", "2022-04-28T04:16:39.712142+02:00",
        "2022-04-28 02:16:39.7121420", "2022-04-27T21:46:39.712142-04:30",
    ])
    func `every known form is read`(_ text: String) {
        #expect(Timestamp(parsing: text)?.documented == "2022-04-28 02:16:39.712142")
    }

    @Test(arguments: [
        "", "yesterday", "2022-13-01 00:00:00", "2022-01-01 25:00:00", "2022-01-01 00:00:00 x", "2022-1-1",
    ])
    func `what is no time is refused`(_ text: String) { #expect(Timestamp(parsing: text) == nil) }

    @Test func `dates before 1970 and leap days survive`() {
        for text in ["1969-12-31 23:59:59.999999", "2000-02-29 12:00:00.000001", "2024-02-29 00:00:00.000000"] {
            #expect(Timestamp(parsing: text)?.documented == text)
        }
    }
}
