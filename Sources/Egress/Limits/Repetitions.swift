/// Tells new messages from those that were logged a moment ago, so that a client that asks every 2 s, or an encoder that complains about each
/// picture, does not fill a log. A repeated message is counted, and logged with its count once the window is over.
package struct Repetitions: Sendable {
    private struct Entry {
        var told: ContinuousClock.Instant
        var repeated = 0
    }

    private let window: Duration
    private let entriesMax: Int
    private var entries: [String: Entry] = [:]

    /// - Parameters:
    ///   - window: how long a message counts as logged.
    ///   - entriesMax: how many messages are remembered. Beyond that the oldest are forgotten, and are logged again rather than left out.
    package init(window: Duration, entriesMax: Int) {
        self.window = window
        self.entriesMax = entriesMax
    }

    /// Whether to log this message, and how often it was left out since it was last logged.
    package mutating func note(_ key: String, now: ContinuousClock.Instant) -> (isTold: Bool, repeated: Int) {
        if let entry = entries[key], now - entry.told < window {
            entries[key]?.repeated += 1
            return (false, 0)
        }
        let repeated = entries[key]?.repeated ?? 0
        if entries[key] == nil { makeRoom(now) }
        entries[key] = Entry(told: now)
        return (true, repeated)
    }

    /// Forgets half of the entries at a time, so that a flood of different messages costs little for each.
    private mutating func makeRoom(_ now: ContinuousClock.Instant) {
        guard entries.count >= entriesMax else { return }
        entries = entries.filter { now - $0.value.told < window }
        guard entries.count >= entriesMax else { return }
        let newest = entries.sorted { $0.value.told > $1.value.told }.prefix(entriesMax / 2)
        entries = Dictionary(uniqueKeysWithValues: Array(newest))
    }
}
