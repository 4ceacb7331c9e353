/// Numbers and other addresses in the one form by which they are compared.
package enum DialedNumber {
    /// `+` and digits of a phone number, anything else in small letters and without `sip:`.
    package static func key(of address: Address) -> String {
        if address.type == "tel" { return address.target }
        let text = address.target.lowercased()
        for scheme in ["sip:", "sips:"] where text.hasPrefix(scheme) { return String(text.dropFirst(scheme.count)) }
        return text
    }

    /// Reads a number, or another address, as people write it; throws when it can be none.
    ///
    /// Spaces, dashes, dots and brackets of a phone number do not count; a `+` that a query string made a space is meant.
    package static func read(_ text: String, field: String) throws(Refusal) -> String {
        var text = String(text.drop { $0 == "\t" }.filter { $0 != "\t" })
        if text.first == " ", text.dropFirst().first?.isNumber == true { text = "+" + text.dropFirst() }
        if text.contains("@") || text.lowercased().hasPrefix("sip") {
            text.removeAll { $0 == " " }
        } else {
            text.removeAll { " -./()".contains($0) }
            if text.first?.isNumber == true, Address.isPossibleNumber("+" + text) { text = "+" + text }
        }
        guard let address = try Address.read(.string(text), field: field) else {
            throw .invalid(field, "is missing: give a phone number such as +15551230000, a sip: or a mail address")
        }
        return key(of: address)
    }
}
