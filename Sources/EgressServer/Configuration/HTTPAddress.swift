#if Server
/// Where the HTTP server listens: "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; ":8080" is every address.
struct HTTPAddress: Sendable, Hashable, CustomStringConvertible {
    var host: String
    var port: UInt16

    static let standard = HTTPAddress(host: "127.0.0.1", port: 8080)

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// nil when the text is not such an address.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.allSatisfy(\.isNumber), let port = UInt16(digits, radix: 10) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            // In an IPv6 address without brackets it is unclear which colon begins the port.
            return nil
        }
        self.init(host: host.isEmpty ? "0.0.0.0" : String(host), port: port)
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The URL for a browser on this machine.
    func url(scheme: String = "http") -> String {
        let everywhere = host == "0.0.0.0" || host == "::"
        return "\(scheme)://\(everywhere ? HTTPAddress(host: "127.0.0.1", port: port) : self)/"
    }

    /// Whether only this machine can reach it. A name other than "localhost" counts as one that other machines can reach.
    var isLoopback: Bool { host == "localhost" || NumericAddress(host)?.isLoopback == true }
}
#endif
