/// The value of `If-Match` (RFC 9110 §13.1.1).
enum WHEPCondition: Sendable, Hashable {
    /// Whatever is there: `*`, also with the quotes that the draft puts around it.
    case any
    case tags([String])

    /// - Parameter field: several fields of the name are one, with commas between.
    init(field: String) {
        let members = field.split(separator: ",").map { $0.trimmed }
        self = members.contains { $0 == "*" || $0 == "\"*\"" } ? .any : .tags(members)
    }

    /// The comparison is the strong one: a weak tag equals none.
    func holds(for tag: String) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains("\"\(tag)\"")
        }
    }
}
