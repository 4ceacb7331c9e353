import Contracts

/// Reads rows out of a file in one of the import's formats.
protocol ImportReader {
    /// Takes the next bytes and returns the rows that they complete; throws when the file as a whole is unusable.
    mutating func feed(_ bytes: some Sequence<UInt8>) throws(Refusal) -> [ImportEntry]

    /// Ends the file and returns the last rows.
    mutating func finish() throws(Refusal) -> [ImportEntry]
}

/// The formats, by their media types.
enum ImportFormat: String {
    case csv = "text/csv"
    case lines = "application/x-ndjson"

    /// The largest row in bytes.
    static let rowLimit = 64 << 10

    static let tooLong = "the row is longer than 64 KiB"
}
