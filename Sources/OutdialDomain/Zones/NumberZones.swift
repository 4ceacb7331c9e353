/// The time zones in which a phone number may be, by its prefix.
///
/// The longest prefix that is known decides. A number without a place, such as a free one, has all zones of its country.
package enum NumberZones {
    /// The zones of a number as `+15551230000`, in order; none when no prefix of it is known.
    package static func zones(of number: String) -> [String] { set(of: number).map(zones(ofSet:)) ?? [] }

    /// The set of zones of a number; nil when no prefix of it is known.
    package static func set(of number: String) -> Int? {
        let digits = number.utf8.dropFirst().prefix(longest)
        guard number.utf8.first == UInt8(ascii: "+"), digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let byPrefix = index.byPrefix
        var prefix = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        while prefix > 0 {
            if let set = byPrefix[prefix] { return set }
            prefix /= 10
        }
        return nil
    }

    /// The names of a set that ``set(of:)`` gave.
    package static func zones(ofSet set: Int) -> [String] { index.sets[set] }

    /// All zones that the table names.
    package static var allZones: Set<String> { Set(index.sets.joined()) }

    /// How many prefixes the table has.
    package static var prefixCount: Int { index.byPrefix.count }

    /// No prefix has more digits, and none begins with 0: as numbers they are still distinct.
    private static let longest = 8

    private static let index: (byPrefix: [Int: Int], sets: [[String]]) = {
        var byPrefix: [Int: Int] = [:]
        byPrefix.reserveCapacity(4096)
        var sets: [[String]] = []
        var isBehindPrefix = true
        for word in table.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            if let prefix = Int(word) {
                byPrefix[prefix] = sets.count - 1
                isBehindPrefix = true
            } else if isBehindPrefix {
                sets.append([String(word)])
                isBehindPrefix = false
            } else {
                sets[sets.count - 1].append(String(word))
            }
        }
        return (byPrefix, sets)
    }()
}
