#if Server
internal import NIOCore

/// How far a connection has got with its request, and until when it has to reach the next step. It has no clock: the time is handed in.
///
/// ```
/// handshake ──▶ waiting ──▶ head ──▶ body ──▶ answering ──▶ waiting …
///                  every state ──▶ closing
/// ```
struct ConnectionClock {
    enum Phase: Hashable {
        /// The TLS handshake.
        case handshake
        /// It waits for a request.
        case waiting
        case head
        case body
        /// An answer may take as long as it needs. ``WriteClock`` says how long the client may take to read it.
        case answering
        /// This side has closed the connection.
        case closing
    }

    private let limits: ConnectionLimits
    private(set) var phase: Phase
    /// nil: no deadline.
    private(set) var deadline: NIODeadline?
    /// Whether the answer came before the request's end.
    private(set) var isAnsweredEarly = false

    init(_ limits: ConnectionLimits, isTLS: Bool, now: NIODeadline) {
        self.limits = limits
        phase = isTLS ? .handshake : .waiting
        deadline = now + (isTLS ? limits.handshakeTimeout : limits.idleTimeout)
    }

    /// The limit that the connection has reached when its deadline has passed; nil when it was only idle.
    var limit: ConnectionLimit? {
        switch phase {
        case .handshake: .handshakeTime
        case .head: .headTime
        case .body: .bodyTime
        case .waiting, .answering, .closing: nil
        }
    }

    mutating func handshakeDone(now: NIODeadline) {
        guard phase == .handshake else { return }
        enter(.waiting, now + limits.idleTimeout)
    }

    mutating func bytesRead(now: NIODeadline) {
        guard phase == .waiting else { return }
        enter(.head, now + limits.headTimeout)
    }

    mutating func headRead(now: NIODeadline) {
        guard phase != .closing else { return }
        isAnsweredEarly = false
        enter(.body, now + limits.bodyTimeout)
    }

    /// The whole request has come.
    mutating func requestRead(now: NIODeadline) {
        guard phase == .body else { return }
        if isAnsweredEarly {
            enter(.waiting, now + limits.idleTimeout)
        } else {
            enter(.answering, nil)
        }
    }

    /// The whole answer has left.
    mutating func answered(now: NIODeadline) {
        switch phase {
        case .answering, .head: enter(.waiting, now + limits.idleTimeout)
        case .body: isAnsweredEarly = true
        case .handshake, .waiting, .closing: break
        }
    }

    mutating func closed(now: NIODeadline) {
        guard phase != .closing else { return }
        enter(.closing, now + limits.lingerTimeout)
    }

    private mutating func enter(_ phase: Phase, _ deadline: NIODeadline?) {
        self.phase = phase
        self.deadline = deadline
    }
}
#endif
