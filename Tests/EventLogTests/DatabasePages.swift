import Glibc

/// The pages of an SQLite file by the table or index that they belong to, read as the file format documents it.
struct DatabasePages {
    static let size = 4096

    private(set) var bytes: [UInt8]
    /// The table or index of each page that is in use, by number from 1 on.
    private(set) var owners: [Int: String] = [:]
    /// Where each event's row lies, by position: the offsets of its cell in the file.
    private(set) var events: [Int64: Range<Int>] = [:]

    /// - Parameter roots: name and root page of each table and index.
    init(path: String, roots: [(name: String, page: Int)]) {
        bytes = []
        if let file = fopen(path, "r") {
            defer { fclose(file) }
            var buffer = [UInt8](repeating: 0, count: DatabasePages.size)
            while fread(&buffer, 1, buffer.count, file) == buffer.count { bytes += buffer }
        }
        walk("sqlite_schema", 1)
        for root in roots { walk(root.name, root.page) }
    }

    var pageCount: Int { bytes.count / DatabasePages.size }

    private mutating func walk(_ name: String, _ page: Int) {
        owners[page] = name
        let start = (page - 1) * DatabasePages.size
        let header = page == 1 ? start + 100 : start
        let type = bytes[header]
        let isInterior = type == 2 || type == 5
        let count = number(header + 3, 2)
        for index in 0..<count {
            let cell = start + number(header + (isInterior ? 12 : 8) + 2 * index, 2)
            if isInterior { walk(name, number(cell, 4)) }
            if type == 13, name == "event" { addEvent(cell) }
        }
        if isInterior { walk(name, number(header + 8, 4)) }
    }

    private mutating func addEvent(_ cell: Int) {
        let (payload, afterPayload) = varint(cell)
        let (position, content) = varint(afterPayload)
        precondition(payload < 4000, "the row of event \(position) does not lie on one page")
        events[position] = cell..<content + Int(payload)
    }

    private func number(_ offset: Int, _ count: Int) -> Int {
        bytes[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
    }

    private func varint(_ offset: Int) -> (Int64, Int) {
        var value: Int64 = 0
        for index in 0..<8 {
            let byte = bytes[offset + index]
            value = value << 7 | Int64(byte & 0x7F)
            if byte < 0x80 { return (value, offset + index + 1) }
        }
        return (value << 8 | Int64(bytes[offset + 8]), offset + 9)
    }
}
