#if Server
/// The query of a request's path, `?a=1&b=2`. Each name may appear once, and only known names may.
struct URLQuery {
    private var values: [String: String] = [:]

    /// nil for a name that is unknown or appears twice, and for text that is not percent-encoded UTF-8.
    init?(_ target: String, known: Set<String>) {
        guard let mark = target.firstIndex(of: "?") else { return }
        let query = target[target.index(after: mark)...].prefix { $0 != "#" }
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(URLPath.decode)
            guard let name = parts[0], known.contains(name), values[name] == nil else { return nil }
            guard let value = parts.count > 1 ? parts[1] : "" else { return nil }
            values[name] = value
        }
    }

    subscript(name: String) -> String? { values[name] }

    /// nil when the field is there but is not a number within the range.
    func integer(_ name: String, within range: ClosedRange<Int>, else fallback: Int) -> Int? {
        guard let text = values[name] else { return fallback }
        guard let number = Int(text, radix: 10), range.contains(number) else { return nil }
        return number
    }
}
#endif
