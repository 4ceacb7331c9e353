/// Who ended a call, in the words of the public API.
package enum HangupParty: String, Sendable, CaseIterable {
    case remote, local, system
}
