#if Server
/// Takes passwords out of text that is on its way to a log.
enum Secrets {
    /// Every `scheme://user:password@` becomes `scheme://user:***@`. A user without a password stays; it is no secret.
    static func mask(_ text: String) -> String {
        guard text.contains("://") else { return text }
        var masked = ""
        var rest = text[...]
        while let scheme = rest.firstRange(of: "://") {
            masked += rest[..<scheme.upperBound]
            rest = rest[scheme.upperBound...]
            // The authority ends where path, query or fragment begin, or where the URL does. A password may hold an unescaped "@": the
            // last one before that end is the one that counts.
            let end = rest.firstIndex { "/?# \t\"'<>".contains($0) } ?? rest.endIndex
            let authority = rest[..<end]
            if let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") {
                masked += authority[..<colon] + ":***"
                rest = rest[at...]
            }
        }
        return masked + rest
    }
}
#endif
