/// Splits CSV (RFC 4180) into records as the bytes arrive, in memory that does not grow with the file.
///
/// Lines may end with CRLF, LF or CR, a byte order mark is skipped, blank lines are not records, quotes may hold commas,
/// line ends and doubled quotes. A quote inside an unquoted field is an ordinary character.
struct CSVTokenizer {
    /// Where in a record the next byte falls.
    private enum State {
        /// At the beginning of a field: -> quoted, unquoted
        case fieldStart
        /// In a field without quotes: -> fieldStart
        case unquoted
        /// Between quotes: -> afterQuote
        case quoted
        /// Behind a quote that closes the field, or is the first of two: -> quoted, fieldStart
        case afterQuote
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let rowLimit: Int
    private var state = State.fieldStart
    private var record = CSVRecord(line: 1)
    private var recordSize = 0
    private var line = 1
    private var isAfterCarriageReturn = false
    /// How much of a byte order mark was seen; nil once the text has begun.
    private var markProgress: Int? = 0

    /// - Parameter rowLimit: the largest record in bytes; a larger one is read to its end and reported as too long.
    init(rowLimit: Int) { self.rowLimit = rowLimit }

    /// Takes the next bytes of the file and calls `emit` with each record that they complete.
    mutating func feed(_ bytes: some Sequence<UInt8>, emit: (CSVRecord) throws -> Void) rethrows {
        for byte in bytes {
            guard let progress = markProgress else {
                try take(byte, emit)
                continue
            }
            if byte == CSVTokenizer.byteOrderMark[progress] {
                markProgress = progress == 2 ? nil : progress + 1
                continue
            }
            markProgress = nil
            for held in CSVTokenizer.byteOrderMark[..<progress] { try take(held, emit) }
            try take(byte, emit)
        }
    }

    /// Ends the file: calls `emit` with a last record that no line end closed.
    mutating func finish(emit: (CSVRecord) throws -> Void) rethrows {
        if let progress = markProgress, progress > 0 {
            markProgress = nil
            for held in CSVTokenizer.byteOrderMark[..<progress] { try take(held, emit) }
        }
        if state == .quoted { record.fail(.unclosedQuote) }
        if recordSize > 0 { try endRecord(emit) }
    }

    private mutating func take(_ byte: UInt8, _ emit: (CSVRecord) throws -> Void) rethrows {
        let isSecondHalfOfLineEnd = isAfterCarriageReturn && byte == UInt8(ascii: "\n")
        isAfterCarriageReturn = byte == UInt8(ascii: "\r")
        let isLineEnd = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
        if isLineEnd, !isSecondHalfOfLineEnd { line += 1 }
        if isLineEnd, state != .quoted {
            guard !isSecondHalfOfLineEnd else { return }
            if recordSize > 0 { try endRecord(emit) } else { record.line = line }
            return
        }
        recordSize += 1
        if recordSize > rowLimit { record.fail(.tooLong) }
        takeInRecord(byte)
    }

    private mutating func takeInRecord(_ byte: UInt8) {
        switch (state, byte) {
        case (.fieldStart, UInt8(ascii: "\"")): state = .quoted
        case (.fieldStart, UInt8(ascii: ",")), (.unquoted, UInt8(ascii: ",")), (.afterQuote, UInt8(ascii: ",")):
            keep { $0.endField() }
            state = .fieldStart
        case (.fieldStart, _), (.unquoted, _):
            keep { $0.append(byte) }
            state = .unquoted
        case (.quoted, UInt8(ascii: "\"")): state = .afterQuote
        case (.quoted, _): keep { $0.append(byte) }
        case (.afterQuote, UInt8(ascii: "\"")):
            keep { $0.append(byte) }
            state = .quoted
        case (.afterQuote, _):
            record.fail(.textAfterQuote)
            state = .unquoted
        }
    }

    private mutating func keep(_ change: (inout CSVRecord) -> Void) {
        if record.problem == nil { change(&record) }
    }

    private mutating func endRecord(_ emit: (CSVRecord) throws -> Void) rethrows {
        keep { $0.endField() }
        let complete = record
        record = CSVRecord(line: line)
        recordSize = 0
        state = .fieldStart
        try emit(complete)
    }
}
