#if Server
/// Why a configuration can't be used: where it was read, which field is wrong, and what is wrong with it.
struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// For example "egress.json", "request body" or "--http".
    var source: String
    /// For example "streams.cam.loop"; nil when the whole is wrong.
    var field: String?
    var problem: String

    var isOfCommandLine: Bool { source.hasPrefix("--") }

    var description: String {
        [source, field, problem].compactMap { $0 }.joined(separator: ": ")
    }
}
#endif
