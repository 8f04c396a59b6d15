/// Decides which changes between active and inactive are worth a line in the log.
///
/// The engine calls a stream inactive after a second without media, which is right for viewers. An input that stutters would fill a disk with
/// such lines. The log says that a stream is inactive only when it has stayed so for a while, and that it is active again only if it said that.
struct StreamActivity {
    enum Verdict: Equatable {
        case say
        case leaveOut
        /// Ask ``isStillInactive(_:turn:)`` after ``delay``.
        case askLater(turn: Int)
    }

    static let delay = Duration.seconds(5)

    private struct Stream {
        var wasSaidActive = false
        /// Numbers the inactive time that is not logged yet; nil when there is none.
        var waiting: Int?
    }

    /// Streams that were active, until the log says that they are not. There are never more than the engine has streams.
    private var streams: [String: Stream] = [:]
    private var turns = 0

    mutating func active(_ id: String) -> Verdict {
        let wasSaid = streams[id]?.wasSaidActive ?? false
        streams[id] = Stream(wasSaidActive: true)
        return wasSaid ? .leaveOut : .say
    }

    mutating func inactive(_ id: String) -> Verdict {
        guard streams[id]?.wasSaidActive == true else { return .leaveOut }
        turns += 1
        streams[id]?.waiting = turns
        return .askLater(turn: turns)
    }

    mutating func forget(_ id: String) { streams[id] = nil }

    /// Whether to log now that the stream is inactive.
    mutating func isStillInactive(_ id: String, turn: Int) -> Bool {
        guard streams[id]?.waiting == turn else { return false }
        streams[id] = nil
        return true
    }
}
