package import Contracts
import EventLog
import GRDB

/// How what happens to one kind of aggregate is told to other programs.
///
/// A stored event `<category>_<verb>` is published as `<name>_created`, `<name>_deleted` or, for every other verb,
/// `<name>_updated`, unless it is renamed or stays inside. So a new event of an aggregate is told without a further line.
package struct PublishedCategory: Sendable {
    /// The beginning of its stored types, without the underscore.
    let category: String
    /// The beginning of its public types, without the underscore.
    let name: String
    /// Public types by stored types where the rule does not fit.
    let renamed: [String: String]
    /// Stored types that other programs are not told of.
    let kept: Set<String>
    /// Whether there are so many that those of one type are gathered over events of other types.
    let isFrequent: Bool
    let makeStates: @Sendable () -> any PublishedStates

    /// - Parameters:
    ///   - name: what the public API calls it.
    ///   - renamed: public types by stored types where the rule does not fit.
    ///   - kept: stored types that change nothing in the public object.
    ///   - isFrequent: for what happens thousands of times a second: only the order within one object is kept.
    ///   - isTold: whether other programs are told of this one at all.
    ///   - customer: whose it is.
    ///   - resource: the public object, times as microseconds. Nothing secret may be in it.
    package init<A: Aggregate>(
        _: A.Type,
        as name: String = A.category,
        renamed: [String: String] = [:],
        keptInside kept: Set<String> = [],
        isFrequent: Bool = false,
        isTold: @escaping @Sendable (A) -> Bool = { _ in true },
        customer: @escaping @Sendable (A) -> ID,
        resource: @escaping @Sendable (A) -> JSONValue
    ) {
        category = A.category
        self.name = name
        self.renamed = renamed
        self.kept = kept
        self.isFrequent = isFrequent
        makeStates = { FoldedStates(isTold: isTold, customer: customer, resource: resource) }
    }

    /// The public type of a stored event; nil for one of another kind, and for what stays inside.
    package func publicType(of stored: String) -> String? {
        guard stored.hasPrefix("\(category)_"), !kept.contains(stored) else { return nil }
        if let renamed = renamed[stored] { return renamed }
        switch stored.dropFirst(category.utf8.count + 1) {
        case "created": return "\(name)_created"
        case "deleted": return "\(name)_deleted"
        default: return "\(name)_updated"
        }
    }

    /// Every public type that may be told of this kind, sorted.
    package var possibleTypes: [String] {
        Set(["created", "updated", "deleted"].map { "\(name)_\($0)" } + renamed.values).sorted()
    }
}

/// The public objects of one kind, each as it was right after an event.
protocol PublishedStates: AnyObject {
    /// Whose object it is and how it looked right after `event`; nil when a part of its story was erased, and
    /// when it is not for others.
    func object(after event: RecordedEvent, of id: ID, in db: Database) throws -> (customer: ID, resource: JSONValue)?
}
