/// How far local time is from UTC in one time zone, at any moment: the contents of a file of the IANA database.
///
/// A value without I/O; the shell reads the file. Seconds are those since 1970-01-01 00:00:00 UTC, without leap seconds.
package struct ZoneRules: Hashable, Sendable {
    /// The moments at which the offset changes, rising.
    let transitions: [Int64]
    /// From each of them on, in seconds east of UTC.
    let offsets: [Int]
    /// Before the first of them.
    let firstOffset: Int
    /// Behind the last of them; nil when its offset stays for ever.
    let rule: YearlyRule?

    /// Seconds to be added to UTC at the moment `second`.
    package func offset(at second: Int64) -> Int {
        guard let last = transitions.last, second < last else {
            return rule?.offset(at: second) ?? offsets.last ?? firstOffset
        }
        let index = behind(second)
        return index == 0 ? firstOffset : offsets[index - 1]
    }

    /// The first moment after `second` at which the offset may change; nil when it never does again.
    package func nextTransition(after second: Int64) -> Int64? {
        let index = behind(second)
        if index < transitions.count { return transitions[index] }
        return rule?.nextTransition(after: second)
    }

    /// How many transitions are not after `second`.
    private func behind(_ second: Int64) -> Int {
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
