#if Server
/// A configuration that cannot be used: where it was read, which field, and what is wrong with it.
struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// "egress.json", "request body", "--http".
    var source: String
    /// "streams.cam.loop"; nil when it is the whole.
    var field: String?
    var problem: String

    var isOfCommandLine: Bool { source.hasPrefix("--") }

    var description: String {
        [source, field, problem].compactMap { $0 }.joined(separator: ": ")
    }
}
#endif
