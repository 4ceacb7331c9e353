import Contracts

/// The programs of campaigns as their actions and flows are now: put together and hashed when they change, not at every
/// answer to a lease request.
///
/// Kept in memory, up to a size. Whoever changes a campaign or a flow has what depends on it forgotten.
struct ProgramCache {
    private struct Entry {
        var program: Program
        var flows: Set<ID>
        var size: Int
    }

    /// Bytes of programs; past it the cache begins anew.
    private static let sizeLimit = 16 << 20

    private var entries: [ID: Entry] = [:]
    private var size = 0

    func program(of campaign: ID) -> Program? { entries[campaign]?.program }

    /// - Parameters:
    ///   - flows: all that the program was made of, those included that were not there.
    ///   - size: in bytes.
    mutating func keep(_ program: Program, of campaign: ID, flows: Set<ID>, size: Int) {
        forget(campaign: campaign)
        if self.size + size > ProgramCache.sizeLimit { self = ProgramCache() }
        entries[campaign] = Entry(program: program, flows: flows, size: size)
        self.size += size
    }

    mutating func forget(campaign: ID) {
        if let entry = entries.removeValue(forKey: campaign) { size -= entry.size }
    }

    /// Forgets the programs that name `flow`.
    mutating func forget(flow: ID) {
        for (campaign, entry) in entries where entry.flows.contains(flow) { forget(campaign: campaign) }
    }
}
