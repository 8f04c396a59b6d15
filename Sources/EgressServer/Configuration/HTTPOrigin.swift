#if Server
internal import FoundationEssentials

/// The origin that a page's policy has to allow so that its player can go to another server.
enum HTTPOrigin {
    /// The origin of an http or https URL; nil for any other text, or when the URL has a user or a fragment. The origin is written into a header, so
    /// it is put together from parts that can't hold anything else.
    static func origin(of text: String) -> String? {
        guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme), let host = url.host(),
            url.fragment() == nil, url.user() == nil,
            !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !Array(";,'\"".utf8).contains($0) })
        else { return nil }
        let name = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        return "\(scheme)://\(name)" + (url.port.map { ":\($0)" } ?? "")
    }
}
#endif
