/// Viewers that are being made: the engine has been asked for them, and they have no session yet.
struct PendingViewers: Sendable {
    private var countOfStream: [UInt64: Int] = [:]
    /// Viewers whose end was reported before they were. They are kept only while a viewer is being made.
    private var ended: Set<UInt64> = []

    func count(of engineStream: UInt64) -> Int { countOfStream[engineStream, default: 0] }

    mutating func begin(_ engineStream: UInt64) { countOfStream[engineStream, default: 0] += 1 }

    mutating func end(_ engineStream: UInt64) {
        let count = countOfStream[engineStream, default: 1] - 1
        countOfStream[engineStream] = count > 0 ? count : nil
        if countOfStream.isEmpty { ended = [] }
    }

    /// The engine has ended a viewer that has no session. It may be one of these.
    mutating func note(ended viewer: UInt64) {
        if !countOfStream.isEmpty { ended.insert(viewer) }
    }

    func hasEnded(_ viewer: UInt64) -> Bool { ended.contains(viewer) }
}
