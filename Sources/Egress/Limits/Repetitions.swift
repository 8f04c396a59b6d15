/// Tells what is new from what was said a moment ago, so that a client that asks every 2 s, or an encoder that complains about each picture,
/// does not fill a log. What is said again is counted, and told with its number once the window is over.
package struct Repetitions: Sendable {
    private struct Entry {
        var told: ContinuousClock.Instant
        var repeated = 0
    }

    private let window: Duration
    private let entriesMax: Int
    private var entries: [String: Entry] = [:]

    /// - Parameters:
    ///   - window: how long a thing counts as told.
    ///   - entriesMax: of how many things is known that they were told; more are told rather than forgotten silently, the oldest is told anew.
    package init(window: Duration, entriesMax: Int) {
        self.window = window
        self.entriesMax = entriesMax
    }

    /// Whether this is to be told, and how often it was not since it was last told.
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

    /// Half of them at a time, so that a flood of different things costs little for each.
    private mutating func makeRoom(_ now: ContinuousClock.Instant) {
        guard entries.count >= entriesMax else { return }
        entries = entries.filter { now - $0.value.told < window }
        guard entries.count >= entriesMax else { return }
        let newest = entries.sorted { $0.value.told > $1.value.told }.prefix(entriesMax / 2)
        entries = Dictionary(uniqueKeysWithValues: Array(newest))
    }
}
