/// Why the last sessions ended. A client that asks for a session by its id was its viewer, and may know the reason.
///
/// Only so many sessions are remembered, and each only so long. Beyond that a session is treated like one that never existed.
struct EndedSessions: Sendable {
    static let countMax = 1_024
    static let lifetime = Duration.seconds(60)

    private struct Ended: Sendable {
        let stream: String
        let reason: CloseReason
        let expires: ContinuousClock.Instant
    }

    private var sessions: [String: Ended] = [:]
    /// The sessions in the order of their ends; a ring, once it is full.
    private var ids: [String] = []
    private var oldest = 0

    mutating func add(_ id: String, of stream: String, _ reason: CloseReason, now: ContinuousClock.Instant) {
        if ids.count < Self.countMax {
            ids.append(id)
        } else {
            sessions[ids[oldest]] = nil
            ids[oldest] = id
            oldest = (oldest + 1) % Self.countMax
        }
        sessions[id] = Ended(stream: stream, reason: reason, expires: now + Self.lifetime)
    }

    /// `nil` for a session of another stream, and for one that is not remembered any more.
    func reason(for id: String, of stream: String, now: ContinuousClock.Instant) -> CloseReason? {
        sessions[id].flatMap { $0.stream == stream && $0.expires > now ? $0.reason : nil }
    }
}
