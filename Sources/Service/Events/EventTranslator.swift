import Contracts
package import EventLog
package import GRDB

/// Makes public events of the events of one log. It remembers the states that it went through, so it is fastest from
/// event to event; in any order the answers are the same.
package final class EventTranslator {
    /// What becomes of a stored type.
    struct Translation {
        /// Its category's place in the list.
        var category: Int
        var publicType: String
        var isFrequent: Bool
    }

    private let source: String
    private let categories: [PublishedCategory]
    private let states: [any PublishedStates]
    private var translations: [String: Translation?] = [:]

    /// - Parameter source: what events name as their source: the daemon's name.
    package init(source: String, categories: [PublishedCategory]) {
        self.source = source
        self.categories = categories
        states = categories.map { $0.makeStates() }
    }

    /// What becomes of events of `type`; nil when other programs are not told of them.
    func translation(of type: String) -> Translation? {
        if let known = translations[type] { return known }
        var found: Translation?
        for (index, category) in categories.enumerated() {
            guard let publicType = category.publicType(of: type) else { continue }
            found = Translation(category: index, publicType: publicType, isFrequent: category.isFrequent)
        }
        translations[type] = .some(found)
        return found
    }

    /// What other programs are told of `event`; nil for what stays inside, and when a part of the object's story was
    /// erased. Throws a ``JSONError`` for an event that cannot be read.
    package func publicEvent(of event: RecordedEvent, in db: Database) throws -> PublishedEvent? {
        guard let translation = translation(of: event.type), let id = event.aggregate,
            let (customer, object) = try states[translation.category].object(after: event, of: id, in: db)
        else { return nil }
        return PublishedEvent(
            id: event.id,
            source: source,
            type: translation.publicType,
            subject: id,
            time: event.recordedAt,
            customer: customer,
            sequence: event.position,
            correlation: event.correlation,
            causation: event.causation,
            object: object
        )
    }
}
