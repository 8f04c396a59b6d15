#if Server
internal import Egress

extension ClientLimits {
    static let fieldNames = Set(CodingKeys.allCases.map(\.rawValue))
    /// The fields that are objects.
    static let rateNames: Set<String> = ["joins", "joins_per_stream", "joins_per_address", "changes", "changes_per_address"]
    static let rateFieldNames: Set<String> = ["per_second", "burst"]

    /// Refuses unknown fields. The library ignores them, but the author of a file wants to be told.
    static func check(_ json: JSONValue, source: String, path: String) throws(ConfigurationError) {
        let fields = try JSONFields(json, source: source, path: path, known: fieldNames.union(ConnectionLimits.fieldNames))
        for (name, value) in fields.values.sorted(by: { $0.key < $1.key }) where rateNames.contains(name) {
            _ = try JSONFields(value, source: source, path: fields.field(name), known: rateFieldNames)
        }
    }
}
#endif
