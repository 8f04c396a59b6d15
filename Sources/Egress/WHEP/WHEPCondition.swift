/// The value of `If-Match` (RFC 9110 §13.1.1).
enum WHEPCondition: Sendable, Hashable {
    /// Any entity tag: `*`, also with the quotes that the draft puts around it.
    case any
    case tags([String])

    /// - Parameter field: the field's value; several fields of this name are joined by commas.
    init(field: String) {
        let members = field.split(separator: ",").map { $0.trimmed }
        self = members.contains { $0 == "*" || $0 == "\"*\"" } ? .any : .tags(members)
    }

    /// Uses the strong comparison: a weak tag equals no other tag.
    func holds(for tag: String) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains("\"\(tag)\"")
        }
    }
}
