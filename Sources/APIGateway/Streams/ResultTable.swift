import Contracts

/// Writes targets and their last calls as comma-separated values (RFC 4180: CRLF, quotes where they are needed).
///
/// A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula, and names and
/// data come from people whom nobody knows: such a cell gets an apostrophe in front, which spreadsheets read as "text".
/// A number in the international form (`+` and digits, nothing else) stays as it is: it computes nothing, and programs that
/// read the table find the destination as they know it.
struct ResultTable: Sendable {
    let publicForm: PublicForm

    private static let columns = [
        "target_id", "name", "destination", "status", "result", "result_reason", "tries", "last_call_id",
        "last_call_at", "last_call_answered_at", "last_call_ended_at", "last_call_hangup_reason",
    ]

    static var header: [UInt8] { Array((columns.joined(separator: ",") + "\r\n").utf8) }

    /// Appends one row; `lastCall` is null for a target that was never called.
    func write(_ target: JSONValue, lastCall call: JSONValue, into output: inout [UInt8]) {
        let destination = ResultTable.text(target["destination"]) ?? ResultTable.text(call["destination"])
        let cells = [
            target["id"].string, target["name"].string, destination, target["status"].string,
            target["result"].string, target["result_reason"].string, target["tries"].integer.map { String($0) },
            call["id"].string, publicForm.cell(call["tm_create"]), publicForm.cell(call["tm_progressing"]),
            publicForm.cell(call["tm_hangup"]), call["hangup_reason"].string,
        ]
        for (index, cell) in cells.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            ResultTable.write(cell ?? "", into: &output)
        }
        output += Array("\r\n".utf8)
    }

    /// A destination is an address or its text.
    private static func text(_ destination: JSONValue) -> String? {
        destination.string ?? destination["target"].string
    }

    /// Appends one cell.
    static func write(_ cell: String, into output: inout [UInt8]) {
        let bytes = Array(cell.utf8)
        let isFormula = bytes.first.map { formulaStarts.contains($0) } ?? false
        let needsApostrophe = isFormula && !isInternationalNumber(bytes)
        let needsQuotes = bytes.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
        if needsQuotes { output.append(0x22) }
        if needsApostrophe { output.append(UInt8(ascii: "'")) }
        for byte in bytes {
            if byte == 0x22 { output.append(0x22) }
            output.append(byte)
        }
        if needsQuotes { output.append(0x22) }
    }

    private static let formulaStarts: Set<UInt8> = Set("=+-@\t\r".utf8)

    private static func isInternationalNumber(_ bytes: [UInt8]) -> Bool {
        bytes.first == UInt8(ascii: "+") && (2...16).contains(bytes.count)
            && bytes.dropFirst().allSatisfy { (48...57).contains($0) }
    }
}

extension PublicForm {
    /// A time as a cell of a table: empty when there is none.
    fileprivate func cell(_ time: JSONValue) -> String? {
        time.integer.map { text($0) }
    }
}
