import Contracts
import Testing

/// Checks that an answer has every member that the documents show, with a value of the same kind.
///
/// Ids have to be ids and times have to be in the documents' form, "never" has to be "never"; other values have to be
/// the shown ones, except for the members named in `except`, whose type alone counts. More members are no fault.
func expectShown(
    _ shown: JSONValue,
    in answer: JSONValue,
    except: Set<String> = [],
    at place: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    func fail(_ problem: String) {
        Issue.record("\(place): \(problem), the document shows \(shown.text)", sourceLocation: sourceLocation)
    }
    switch (shown, answer) {
    case (.object(let members), .object(let found)):
        for member in members.members {
            guard found.contains(member.name) else {
                fail("\(member.name) is missing")
                continue
            }
            let place = place.isEmpty ? member.name : "\(place).\(member.name)"
            let isFree = except.contains(member.name)
            expectShown(
                isFree ? kind(of: member.value) : member.value,
                in: isFree ? kind(of: found[member.name]) : found[member.name],
                except: except,
                at: place,
                sourceLocation: sourceLocation
            )
        }
    case (.array(let values), .array(let found)):
        if values.count > found.count { fail("\(found.count) elements") }
        for (index, (value, found)) in zip(values, found).enumerated() {
            expectShown(value, in: found, except: except, at: "\(place)[\(index)]", sourceLocation: sourceLocation)
        }
    case (.string, .string), (.string, .uuid), (.uuid, .uuid), (.uuid, .string):
        expectShownText(shown.string ?? "", in: answer.string ?? "", fail)
    default: if shown != answer { fail("is \(answer.text)") }
    }
}

private func expectShownText(_ shown: String, in answer: String, _ fail: (String) -> Void) {
    if shown == "9999-01-01 00:00:00.000000" || shown == ID.none.description {
        if answer != shown { fail("is \(answer)") }
    } else if ID(shown) != nil {
        if ID(answer)?.isNone != false { fail("\(answer) is no id") }
    } else if isDocumentedTime(shown) {
        if !isDocumentedTime(answer) { fail("\(answer) is no time in the documents' form") }
    } else if answer != shown {
        fail("is \(answer)")
    }
}

/// Something of the same type, for values that need not be equal.
private func kind(of value: JSONValue) -> JSONValue {
    switch value {
    case .null: .null
    case .bool: true
    case .integer, .double: 0
    case .string, .uuid: ""
    case .array: []
    case .object: [:]
    }
}

/// Whether it is as in `2022-04-28 02:16:39.712142`.
func isDocumentedTime(_ text: String) -> Bool {
    text.wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}/) != nil
}
