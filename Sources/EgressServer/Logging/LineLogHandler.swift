#if Server
internal import Glibc
internal import Logging

/// Makes each event one line, `TIME LEVEL LABEL: KEY=VALUE … [SOURCE] MESSAGE`, and hands it to a writer. This is the only place where text
/// becomes a line of the log. Whatever the text contains, it stays one line.
struct LineLogHandler: LogHandler {
    let label: String
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.info
    private let write: @Sendable (String) -> Void

    init(label: String, write: @escaping @Sendable (String) -> Void) {
        self.label = label
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        var line = "\(Self.time()) \(event.level) \(label):"
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(LogText.escaped("\(value)", sizeMax: LogText.valueSizeMax))"
        }
        line += " [\(event.source)] \(event.message)"
        if let error = event.error { line += ": \(error)" }
        write(LogText.escaped(line))
    }

    /// The local time, with its offset from UTC.
    private static func time() -> String {
        var now = Glibc.time(nil)
        return withUnsafeTemporaryAllocation(of: tm.self, capacity: 1) { local in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
                guard let parts = local.baseAddress, let base = text.baseAddress, localtime_r(&now, parts) != nil,
                    strftime(base, text.count, "%Y-%m-%dT%H:%M:%S%z", parts) > 0
                else { return "" }
                return String(cString: base)
            }
        }
    }
}
#endif
