/// Why the last sessions ended. A client that asks for a session by its id was its viewer, and may know the reason.
///
/// Only so many sessions are remembered, and each only so long. Beyond that a session is treated like one that never existed.
struct EndedSessions: Sendable {
    static let countMax = 4_096
    static let lifetime = Duration.seconds(300)

    private struct Ended: Sendable {
        let stream: String
        let viewer: UInt64
        let ending: ViewerEnding
        let expires: ContinuousClock.Instant
    }

    private var sessions: [String: Ended] = [:]
    /// The sessions in the order of their ends; a ring, once it is full.
    private var ids: [String] = []
    private var oldest = 0
    private var idOfViewer: [UInt64: String] = [:]

    mutating func add(_ session: ViewerSession, _ ending: ViewerEnding, now: ContinuousClock.Instant) {
        if ids.count < Self.countMax {
            ids.append(session.id)
        } else {
            if let forgotten = sessions.removeValue(forKey: ids[oldest]) { idOfViewer[forgotten.viewer] = nil }
            ids[oldest] = session.id
            oldest = (oldest + 1) % Self.countMax
        }
        sessions[session.id] = Ended(stream: session.stream, viewer: session.viewer, ending: ending, expires: now + Self.lifetime)
        idOfViewer[session.viewer] = session.id
    }

    /// `nil` for a session of another stream, and for one that is not remembered any more.
    func ending(of id: String, of stream: String, now: ContinuousClock.Instant) -> ViewerEnding? {
        sessions[id].flatMap { $0.stream == stream && $0.expires > now ? $0.ending : nil }
    }

    func ending(ofViewer viewer: UInt64, of stream: String, now: ContinuousClock.Instant) -> ViewerEnding? {
        idOfViewer[viewer].flatMap { ending(of: $0, of: stream, now: now) }
    }
}
