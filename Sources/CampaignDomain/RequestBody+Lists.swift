package import Contracts

extension RequestBody {
    /// The most tags that an object may have.
    package static let tagLimit = 100

    /// The tags of `tag_ids`, each once; absent is nil, null is none.
    package func tags() throws(Refusal) -> [ID]? {
        guard has("tag_ids") else { return nil }
        if json["tag_ids"].isNull { return [] }
        guard let given = json["tag_ids"].array else { throw .invalid("tag_ids", "must be an array of UUIDs") }
        guard given.count <= RequestBody.tagLimit else {
            throw .invalid("tag_ids", "must be at most \(RequestBody.tagLimit), not \(given.count)")
        }
        var tags: [ID] = []
        for (index, value) in given.enumerated() {
            guard let tag = value.id, !tag.isNone else {
                throw .invalid("tag_ids[\(index)]", "must be a UUID and not the nil one")
            }
            if !tags.contains(tag) { tags.append(tag) }
        }
        return tags
    }

    /// A text of at most 255 bytes, as it is; absent or null is nil.
    func shortText(_ field: String) throws(Refusal) -> String? {
        guard let text = try text(field) else { return nil }
        guard text.utf8.count <= 255 else { throw .invalid(field, "must have at most 255 bytes") }
        return text
    }
}
