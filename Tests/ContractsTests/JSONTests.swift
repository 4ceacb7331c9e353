import Contracts
import Testing

@Suite struct JSONTests {
    func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func `every kind of value survives`() throws {
        let text = #"{"a":[1,-2,0.5,1e3,true,false,null],"b":{"c":"x\"\\\n\u0001é😀"},"d":{},"e":[]}"#
        let value = try parse(text)
        #expect(try JSONValue(parsing: value.bytes) == value)
        #expect(value["b"]["c"].string == "x\"\\\n\u{1}é😀")
        #expect(value["a"].array?[3].integer == 1000)
    }

    @Test func `escapes are read`() throws {
        #expect(try parse(#""\u00e9\ud83d\ude00\/\b\f\t""#).string == "é😀/\u{8}\u{c}\t")
        #expect(try parse(#""""#).string == "")
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":}", "{a:1}", "01", "1.", "-", "tru", "\"\u{1}\"", "\"\\x\"", "\"\\ud83d\"", "[1] 2",
        "1e999",
        "\"open", "{\"a\" 1}", "nul", "+1", ".5",
    ])
    func `what is not JSON is refused`(_ text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test func `a text that is not UTF-8 is refused`() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test func `a string that is an id is a string like any other`() throws {
        let text = "0192f0c1-2b3a-7c4d-8e5f-0123456789ab"
        let id = try #require(ID(text))
        let value = try parse("\"\(text)\"")
        #expect(value.string == text)
        #expect(value.id == id)
        #expect(value == .string(text))
        #expect(value.hashValue == JSONValue.string(text).hashValue)
        #expect(JSONValue.id(id) == value)
        #expect(value.text == "\"\(text)\"")
        #expect(try parse("{\"a\":\"\(text)\",\"b\":1}").text == "{\"a\":\"\(text)\",\"b\":1}")
    }

    @Test(arguments: [
        "0192F0C1-2B3A-7C4D-8E5F-0123456789AB", "0192f0c1-2b3a-7c4d-8e5f-0123456789a",
        "0192f0c12b3a-7c4d-8e5f-0123456789abc",
        "0192f0c1-2b3a-7c4d-8e5f-0123456789ag", "é192f0c1-2b3a-7c4d-8e5f-0123456789",
    ])
    func `a string that nearly is an id keeps its text`(_ text: String) throws {
        let value = try parse(JSONValue.string(text).text)
        #expect(value.string == text)
        #expect(try parse(value.text) == value)
    }

    @Test(arguments: [
        0, 7, -1, 999_999_999_999_999, 1_000_000_000_000_000, Int64.max, Int64.min, -1_000_000_000_000_001,
    ])
    func `a whole number is written as it is`(_ number: Int64) {
        #expect(JSONValue.integer(number).text == String(number))
    }

    @Test func `deep nesting is refused instead of exhausting the stack`() throws {
        let deep = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        _ = try parse(deep)
        #expect(throws: JSONError.self) { try parse("[" + deep + "]") }
        #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func `whole numbers keep their bits, larger ones become doubles`() throws {
        #expect(try parse("9223372036854775807").integer == Int64.max)
        #expect(try parse("-9223372036854775808").integer == Int64.min)
        #expect(try parse("9223372036854775808").integer == nil)
        #expect(try parse("5.0").integer == 5)
    }

    @Test func `any bytes either parse or are refused`() {
        var random = RandomSource(seed: 7)
        let alphabet = Array(#"{}[]",:\u0123eE+-.truefalsn "#.utf8) + [0xC3, 0xA9, 0xFF, 0x0A]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in alphabet.randomElement(using: &random)!
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            #expect((try? JSONValue(parsing: value.bytes)) == value)
        }
    }
}
