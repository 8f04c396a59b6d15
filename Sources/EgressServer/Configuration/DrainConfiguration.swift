#if Server
internal import FoundationEssentials

/// How this server stops being one that viewers come to. The block `drain` of the configuration file.
struct DrainConfiguration: Sendable, Hashable {
    static let secondsMax = 3_600

    /// Between SIGTERM and the end, for viewers to go elsewhere; it ends sooner when there are none.
    var duration = Duration.seconds(2)
    /// Another server's WHEP endpoints, "https://b.example/whep"; nil: viewers come back to where they came from.
    var url: String?

    init() {}

    init(json: JSONValue, source: String, path: String) throws(ConfigurationError) {
        let fields = try JSONFields(json, source: source, path: path, known: ["seconds", "url"])
        if let seconds = try fields.seconds("seconds", max: Self.secondsMax) { duration = seconds }
        guard let text = try fields.string("url") else { return }
        guard HTTPOrigin.origin(of: text) != nil, URL(string: text)?.query() == nil else {
            throw fields.failure("url", "expected http:// or https://, a host and a path")
        }
        url = text
    }

    /// What a page's policy has to allow for its player to go there.
    var origin: String? { url.flatMap(HTTPOrigin.origin) }
}
#endif
