import Contracts
import Testing

@testable import CarillonTool

@Suite struct CommandLineTests {
    private func failure(_ arguments: [String]) -> ToolError? {
        Carillon.failure(arguments)
    }

    @Test(arguments: [
        ["up", "--htpp", "x"], ["up", "--workers", "many"], ["import", "f"], ["campaign", "run", "7"], ["nonsense"],
    ])
    func aWrongOptionIsOneLineAndStatus78(_ arguments: [String]) throws {
        let found = try #require(failure(arguments))
        #expect(found.status == 78)
        #expect(!found.message.contains("\n"))
    }

    @Test func aWrongOptionOfLogIsStatus64() throws {
        #expect(try #require(failure(["log", "verify", "--jsn"])).status == 64)
    }

    @Test func theListenAddressHasAHostAndAPort() throws {
        #expect(try UpCommand.listenAddress("127.0.0.1:0") == "127.0.0.1:0")
        for text in ["8080", ":8080", "localhost:", "localhost:70000"] {
            #expect(throws: ToolError.self) { try UpCommand.listenAddress(text) }
        }
    }

    @Test func aResourceIsAKindAndAnId() throws {
        let id = ID(high: 1, low: 2)
        #expect(try LogHistory.parse("target:\(id)").kind == "target")
        #expect(try LogHistory.parse("\(id)").kind == nil)
        #expect(throws: ToolError.self) { try LogHistory.parse("target:7") }
    }

    @Test func aBarIsNeverWiderThanTheTerminal() {
        let bar = ProgressBar(fraction: 0.5, label: "run", detail: "10/20 targets")
        #expect(bar.line(width: 60).contains("####"))
        for width in [1, 10, 20, 40, 80] { #expect(bar.line(width: width).count <= max(1, width - 1)) }
    }

    @Test func onlyWhatIsCompleteIsAtAHundredPercent() {
        #expect(ProgressBar.percent(0.9999) == " 99%")
        #expect(ProgressBar.percent(1) == "100%")
    }

    @Test func numbersAreMasked() {
        let masked = Masking.apply(["destination": ["type": "tel", "target": "+15551234567", "target_name": "Ada"]])
        #expect(masked["destination"]["target"].string == "...4567")
        #expect(masked["destination"]["target_name"].string == "***")
    }

    @Test func aListIsFilledUpWithMadeUpPeople() {
        let text = DemoList.text("name,destination_0\nAda,+15551230000\n", targets: 3)
        #expect(text.split(separator: "\n").count == 4)
        #expect(DemoList.text("name,destination_0\nA,+1\nB,+2\n", targets: 1).split(separator: "\n").count == 2)
    }
}
