/// Splits text into lines as the bytes arrive, in memory that does not grow with the file.
struct LineSplitter {
    private let rowLimit: Int
    private var bytes: [UInt8] = []
    private var isTooLong = false
    private var line = 1

    /// - Parameter rowLimit: the longest line in bytes; a longer one is given as nil.
    init(rowLimit: Int) { self.rowLimit = rowLimit }

    /// Takes the next bytes and calls `emit` with each line that they complete, without its line end.
    mutating func feed(_ input: some Sequence<UInt8>, emit: (_ line: Int, _ bytes: [UInt8]?) throws -> Void) rethrows {
        for byte in input {
            if byte == UInt8(ascii: "\n") {
                try endLine(emit)
            } else if bytes.count < rowLimit {
                bytes.append(byte)
            } else {
                isTooLong = true
            }
        }
    }

    /// Ends the file: calls `emit` with a last line that no line end closed.
    mutating func finish(emit: (_ line: Int, _ bytes: [UInt8]?) throws -> Void) rethrows {
        if !bytes.isEmpty { try endLine(emit) }
    }

    private mutating func endLine(_ emit: (_ line: Int, _ bytes: [UInt8]?) throws -> Void) rethrows {
        let number = line
        if number == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        let complete = isTooLong ? nil : bytes
        line += 1
        bytes.removeAll(keepingCapacity: true)
        isTooLong = false
        try emit(number, complete)
    }
}
