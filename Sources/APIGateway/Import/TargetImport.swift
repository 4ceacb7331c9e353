import Contracts

/// Gathers rows into slices, sends each one and waits for it, and sums up what became of them.
///
/// Waiting is what keeps memory flat: the file is read no faster than outdial-manager commits.
struct TargetImport {
    /// Rows of one slice.
    static let rowLimit = 500
    /// Bytes of one slice, for files with long rows.
    static let byteLimit = 512 << 10
    /// Errors that are told; further ones are only counted.
    static let errorLimit = 1000

    /// Which slice it is.
    struct Slice {
        var id: ID
        var isFirst: Bool
    }

    /// Sends one slice and returns `{imported, rejected, duplicates, errors}`.
    typealias Send = (_ rows: JSONValue, _ slice: Slice) async throws(Refusal) -> JSONValue

    private let ids: ImportIDs
    private let isDryRun: Bool
    private let send: Send
    private var rows: [ImportRow] = []
    private var size = 0
    private var localErrors: [ImportError] = []
    private var imported: Int64 = 0
    private var rejected: Int64 = 0
    private var duplicates: Int64 = 0
    private var errors: [JSONValue] = []
    private var lastLine = 0

    init(ids: ImportIDs, isDryRun: Bool = false, send: @escaping Send) {
        self.ids = ids
        self.isDryRun = isDryRun
        self.send = send
    }

    mutating func add(_ entry: ImportEntry) async throws(Refusal) {
        switch entry {
        case .rejected(let error):
            rejected += 1
            if errors.count + localErrors.count < TargetImport.errorLimit { localErrors.append(error) }
        case .row(let row):
            rows.append(row)
            size += row.size
            if rows.count >= TargetImport.rowLimit || size >= TargetImport.byteLimit { try await flush() }
        }
    }

    /// Sends the last slice and returns the public answer.
    mutating func finish() async throws(Refusal) -> JSONValue {
        try await flush()
        var report: JSONObject = [
            "imported": .integer(imported), "rejected": .integer(rejected), "duplicates": .integer(duplicates),
            "errors": .array(errors),
        ]
        if isDryRun { report.append("dry_run", true) }
        return .object(report)
    }

    private mutating func flush() async throws(Refusal) {
        var answer: JSONValue = [:]
        if let first = rows.first, let last = rows.last {
            do {
                let slice = Slice(id: ids.slice(firstLine: first.line), isFirst: lastLine == 0)
                answer = try await send(.array(rows.map(json)), slice)
            } catch {
                throw explained(error)
            }
            imported += answer["imported"].integer ?? 0
            rejected += answer["rejected"].integer ?? 0
            duplicates += answer["duplicates"].integer ?? 0
            lastLine = last.line
        }
        let found = localErrors.map(\.json) + (answer["errors"].array ?? [])
        let inOrder = found.sorted { ($0["line"].integer ?? 0) < ($1["line"].integer ?? 0) }
        errors.append(contentsOf: inOrder.prefix(TargetImport.errorLimit - errors.count))
        localErrors = []
        rows.removeAll(keepingCapacity: true)
        size = 0
    }

    private func json(_ row: ImportRow) -> JSONValue {
        ["line": .integer(row.line), "id": .id(ids.row(row.line)), "values": .object(row.values)]
    }

    /// A failure in the middle says what was done before it.
    private func explained(_ refusal: Refusal) -> Refusal {
        guard lastLine > 0, !isDryRun else { return refusal }
        var refusal = refusal
        refusal.message +=
            "; \(imported) rows up to line \(lastLine) are imported, and sending the file again skips them as duplicates"
        refusal.details.append(["imported": .integer(imported), "line": .integer(lastLine)])
        return refusal
    }
}
