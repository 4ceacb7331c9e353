/// Turns settlements of single deliveries into as few methods as is safe.
///
/// `multiple` covers every tag up to its own, so it is used only when all those are acknowledged.
struct AckCoalescer: Sendable {
    /// Tags handed out and not settled; a channel numbers its deliveries without gaps.
    private var open: Set<UInt64> = []
    /// The lowest tag that may be open.
    private var lowest: UInt64 = 1
    private var highest: UInt64 = 0

    /// How many deliveries are not settled.
    var openCount: Int { open.count }

    /// Notes a delivery. Returns false when the tag cannot be: it does not follow the last one.
    mutating func delivered(_ tag: UInt64) -> Bool {
        guard tag == highest &+ 1 else { return false }
        highest = tag
        open.insert(tag)
        return true
    }

    /// The methods that tell the broker. Tags that are not open, because they were settled before, have no effect.
    mutating func settle(_ settlements: [Settlement]) -> [Method] {
        var acknowledged: [UInt64] = []
        var methods: [Method] = []
        for settlement in settlements where open.remove(settlement.tag) != nil {
            switch settlement.verdict {
            case .acknowledge: acknowledged.append(settlement.tag)
            case .requeue: methods.append(.basicReject(tag: settlement.tag, requeue: true))
            case .discard: methods.append(.basicReject(tag: settlement.tag, requeue: false))
            }
        }
        guard !acknowledged.isEmpty else { return methods }
        acknowledged.sort()
        while lowest <= highest, !open.contains(lowest) { lowest += 1 }
        // Everything below `lowest` is settled: by this turn, where one multiple tells it, or told before.
        let split = acknowledged.firstIndex { $0 > lowest } ?? acknowledged.endIndex
        switch split {
        case 0: break
        case 1: methods.append(.basicAck(tag: acknowledged[0], multiple: false))
        default: methods.append(.basicAck(tag: acknowledged[split - 1], multiple: true))
        }
        for tag in acknowledged[split...] { methods.append(.basicAck(tag: tag, multiple: false)) }
        return methods
    }
}
