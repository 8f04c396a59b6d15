#if Server
internal import FoundationEssentials

/// What a page's policy has to allow for its player to go to another server.
enum HTTPOrigin {
    /// That of an http or https URL; nil when it is none, or names a user or a fragment. It stands in a header, so it is put together from
    /// parts that hold nothing else.
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
