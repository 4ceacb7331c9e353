import Contracts
import DialerWorker
import Glibc

/// Values that the suites share; ids are made from small numbers, so that a failure shows which one it was.
enum Sample {
    static let start = Timestamp(microseconds: 1_780_000_000_000_000)
    static let customer = id(900)
    static let campaign = id(901)
    static let target = id(902)

    static func id(_ number: UInt64) -> ID { ID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | number) }
    static func attempt(_ number: UInt64) -> ID { id(1000 + number) }
    static func call(_ number: UInt64) -> ID { id(2000 + number) }

    static func dial(
        _ number: UInt64 = 1,
        to phone: String = "+15551230001",
        tryCount: Int = 1,
        run: Int64 = 1,
        dialTimeout: Milliseconds = 30_000,
        maximumTalkTime: Milliseconds = 3_600_000,
        startBy: Timestamp = start + 30_000
    ) -> DialCommand {
        DialCommand(
            attempt: attempt(number),
            call: call(number),
            campaign: campaign,
            run: run,
            customer: customer,
            target: target,
            source: nil,
            destination: Address(type: "tel", target: phone),
            destinationIndex: 0,
            tryCount: tryCount,
            dialTimeout: dialTimeout,
            maximumTalkTime: maximumTalkTime,
            startBy: startBy
        )
    }

    static func item(_ body: Item.Body, id number: UInt64 = 1) -> Item {
        Item(id: id(3000 + number), correlation: id(4000 + number), body: body)
    }
}

/// A directory that goes with the value.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/dialer-worker-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("no temporary directory could be made: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        guard let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            unlink("\(path)/\(name)")
        }
        closedir(directory)
        rmdir(path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// The whole text of a file.
func contents(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
}
