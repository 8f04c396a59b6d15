#if Server
internal import Egress
/// Streams whose viewers another server serves. The block `redirect` of the configuration file names the other server's WHEP endpoint for each.
struct RedirectConfiguration: Sendable, Hashable {
    private var endpoints: [String: String] = [:]

    init() {}

    init(json: JSONValue, source: String, path: String) throws(ConfigurationError) {
        guard case .object(let entries) = json else {
            throw ConfigurationError(source: source, field: path, problem: "expected an object, found \(json.kind)")
        }
        let fields = try JSONFields(json, source: source, path: path, known: Set(entries.keys))
        for id in entries.keys.sorted() {
            if let problem = StreamID.problem(with: id) { throw fields.failure(id, problem) }
            guard let text = try fields.string(id) else { continue }
            guard Self.isEndpoint(text) else { throw fields.failure(id, "expected http:// or https://, a host and a path") }
            endpoints[id] = text
        }
    }

    /// Where viewers of the stream go; nil: they are served here.
    func endpoint(of stream: String) -> String? { endpoints[stream] }

    /// The origin that the stream's page has to allow so that its player can go there.
    func origin(of stream: String) -> String? { endpoints[stream].flatMap(HTTPOrigin.origin) }

    /// The text is written into a header as it is.
    private static func isEndpoint(_ text: String) -> Bool {
        HTTPOrigin.origin(of: text) != nil && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}
#endif
