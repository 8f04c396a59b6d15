#if Server
/// The path that a reverse proxy puts the server under: "/live/egress". Empty at the root.
///
/// Requests are understood with and without it, so it does not matter whether the proxy removes it. What the server writes (`Location`,
/// `Link`) always begins with it.
struct BasePath: Sendable, Hashable {
    static let root = BasePath(prefix: "")

    let prefix: String

    private init(prefix: String) { self.prefix = prefix }

    /// Takes the path with or without slashes around it.
    /// - Throws: what is wrong with the path.
    init(_ text: String) throws(Problem) {
        let parts = text.split(separator: "/")
        for part in parts {
            guard part != ".", part != "..", part.utf8.allSatisfy(Self.isUnreserved) else {
                throw Problem(text: "may have only letters, digits, \"-\", \".\", \"_\" and \"~\" between slashes")
            }
        }
        // With one of these it would be unclear whether the proxy has removed the base.
        if let first = parts.first, Routes.names.contains(String(first)) {
            throw Problem(text: "must not begin with \"\(first)\", which is a path of the server's own")
        }
        prefix = parts.map { "/" + $0 }.joined()
    }

    struct Problem: Error, Hashable {
        var text: String
    }

    /// A request's target without the base; nil for the base itself without a slash at the end, which relative addresses of pages need.
    func strip(_ target: String) -> String? {
        guard !prefix.isEmpty, target.hasPrefix(prefix) else { return target }
        let rest = target.dropFirst(prefix.count)
        switch rest.first {
        case "/": return String(rest)
        case nil, "?", "#": return nil
        default: return target
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
#endif
