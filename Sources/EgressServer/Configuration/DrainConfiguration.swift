#if Server
internal import FoundationEssentials

/// How viewers leave this server before it stops. The block `drain` of the configuration file.
struct DrainConfiguration: Sendable, Hashable {
    static let secondsMax = 3_600

    /// The time between SIGTERM and the end in which viewers can go elsewhere. It ends sooner when no viewer is left.
    var duration = Duration.seconds(2)
    /// Another server's WHEP endpoints, "https://b.example/whep"; nil: viewers come back to this server's address.
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

    /// The origin that a page's policy has to allow so that its player can go there.
    var origin: String? { url.flatMap(HTTPOrigin.origin) }
}
#endif
