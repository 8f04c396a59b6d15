#if Server
/// Masks passwords in text that goes to a log or a page.
///
/// A secret of the operator's own input is masked wherever it appears. Other text is masked where it looks like a secret: before a URL's "@",
/// after a parameter's name, after `Authorization:`. That is needed because a playlist may lead FFmpeg to addresses that nobody has configured.
struct Secrets: Sendable, Hashable {
    /// The longest secret comes first, so that a shorter one with the same beginning leaves no rest of it.
    private let known: [String]

    /// A shorter secret would match parts of many words. It is still masked by its place.
    private static let knownSizeMin = 4

    init(of input: StreamInput) {
        var found = Self.find(in: input.url)
        for (option, value) in zip(input.options, input.options.dropFirst()) {
            if Self.isSecretive(option) {
                // `-headers` takes several lines: each is as secret as all.
                found += [value] + value.split(whereSeparator: \.isNewline).map(String.init)
            }
            found += Self.find(in: value)
        }
        let all = Set(found + found.map(Self.percentDecoded)).filter { $0.utf8.count >= Self.knownSizeMin }
        known = all.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
    }

    /// Masks known secrets, and what looks like a secret.
    func mask(_ text: String) -> String {
        known.reduce(Self.mask(text)) { $0.replacing($1, with: "***") }
    }

    /// Masks what looks like a secret: `scheme://user:password@` becomes `scheme://user:***@`, `?token=x` becomes `?token=***`,
    /// `Authorization: Bearer x` becomes `Authorization: ***`. A user without a password is not masked: it is no secret.
    static func mask(_ text: String) -> String {
        var masked = ""
        var rest = text[...]
        while let secret = first(in: rest) {
            masked += rest[..<secret.startIndex] + "***"
            rest = rest[secret.endIndex...]
        }
        return masked + rest
    }

    private static func find(in text: String) -> [String] {
        var found: [String] = []
        var rest = text[...]
        while let secret = first(in: rest) {
            found.append(String(secret))
            rest = rest[secret.endIndex...]
        }
        return found
    }

    private static func first(in text: Substring) -> Substring? {
        [password(in: text), parameter(in: text), authorization(in: text)].compactMap { $0 }.min { $0.startIndex < $1.startIndex }
    }

    // MARK: Where secrets stand

    /// The authority ends where path, query or fragment begin, or where the URL does. A password may have an unescaped "@", so the
    /// last "@" before that end counts.
    private static func password(in text: Substring) -> Substring? {
        var rest = text
        while let scheme = rest.firstRange(of: "://") {
            rest = rest[scheme.upperBound...]
            let authority = rest.prefix { !"/?# \t\"'<>".contains($0) }
            guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else { continue }
            let password = authority[authority.index(after: colon)..<at]
            if !password.isEmpty, password != "***" { return password }
        }
        return nil
    }

    /// `?name=value&name=value`, and the same with ";".
    private static func parameter(in text: Substring) -> Substring? {
        var rest = text
        while let mark = rest.firstIndex(where: { "?&;".contains($0) }) {
            rest = rest[rest.index(after: mark)...]
            let name = rest.prefix { $0.isLetter || $0.isNumber || "-_.%[]".contains($0) }
            guard name.endIndex < rest.endIndex, rest[name.endIndex] == "=", isSecretive(name) else { continue }
            let value = rest[rest.index(after: name.endIndex)...].prefix { !"&;# \t\"'<>".contains($0) && !$0.isNewline }
            if !value.isEmpty, value != "***" { return value }
        }
        return nil
    }

    /// A header line with credentials (RFC 9110 §11.6.2, RFC 6265 §4.2).
    private static func authorization(in text: Substring) -> Substring? {
        var rest = text
        while let colon = rest.firstIndex(of: ":") {
            let name = rest[..<colon].suffix(while: { $0.isLetter || $0 == "-" })
            rest = rest[rest.index(after: colon)...]
            guard ["authorization", "proxy-authorization", "cookie", "x-api-key"].contains(name.lowercased()) else { continue }
            let value = rest.drop { $0 == " " }.prefix { !$0.isNewline }
            if !value.isEmpty, !value.hasPrefix("***") { return value }
        }
        return nil
    }

    private static let words = [
        "pass", "pwd", "token", "secret", "auth", "signature", "hmac", "jwt", "credential", "session", "streamid", "cookie", "headers",
    ]
    /// These count only at the end of a name: `-force_key_frames` is no secret.
    private static let endings = ["key", "sig"]

    /// The name of a URL's parameter or of an option of FFmpeg's: `token`, `access_token`, `X-Amz-Signature`, `-passphrase`, `-headers`.
    private static func isSecretive(_ name: some StringProtocol) -> Bool {
        let name = name.lowercased()
        return words.contains { name.contains($0) } || endings.contains { name.hasSuffix($0) }
    }

    /// The decoded form of a part of a URL, since FFmpeg may write it decoded.
    static func percentDecoded(_ text: String) -> String {
        URLPath.segments("/" + text)?.first ?? text
    }
}

extension Substring {
    /// The longest suffix whose characters all satisfy the condition.
    fileprivate func suffix(while predicate: (Character) -> Bool) -> Substring {
        var begin = endIndex
        while begin > startIndex, predicate(self[index(before: begin)]) { begin = index(before: begin) }
        return self[begin...]
    }
}
#endif
