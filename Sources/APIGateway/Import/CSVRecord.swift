/// One record of a CSV file, as it was read: the fields' bytes without quotes, or why it cannot be read.
struct CSVRecord: Sendable, Equatable {
    enum Problem: Sendable, Equatable {
        case tooLong
        case unclosedQuote
        case textAfterQuote
    }

    /// The line of the file on which it begins, counted from 1.
    var line: Int
    var problem: Problem?
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    init(line: Int) { self.line = line }

    var fieldCount: Int { ends.count }

    func field(_ index: Int) -> ArraySlice<UInt8> {
        bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// The field as text; nil when it is not valid UTF-8.
    func text(_ index: Int) -> String? { String(validating: field(index), as: UTF8.self) }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }
    mutating func endField() { ends.append(bytes.count) }

    mutating func fail(_ problem: Problem) {
        if self.problem == nil { self.problem = problem }
        // What is known to be useless is not kept: a record may go on for gigabytes.
        bytes = []
        ends = []
    }
}
