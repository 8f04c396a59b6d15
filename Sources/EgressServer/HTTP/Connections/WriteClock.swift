#if Server
internal import NIOCore

/// Whether a client reads what is written to it, judged by what waits in the channel. It has no clock: the time is handed in.
///
/// In each span of ``ConnectionLimits/writeTimeout`` the client has to read what waited at its beginning, or
/// ``ConnectionLimits/writeProgress`` of it. A stream of events without new events has nothing waiting, and stays open.
struct WriteClock {
    private let limits: ConnectionLimits
    /// Bytes since the beginning.
    private var written = 0
    private var target = 0
    /// When the present span ends; nil while nothing waits.
    private(set) var deadline: NIODeadline?

    init(_ limits: ConnectionLimits) { self.limits = limits }

    /// - Parameter waiting: bytes in the channel before these.
    mutating func write(_ size: Int, waiting: Int, now: NIODeadline) {
        let taken = written - waiting
        written += size
        if deadline == nil, size > 0 { begin(taken: taken, now) }
    }

    /// Call this at the deadline.
    /// - Parameter waiting: bytes in the channel.
    /// - Returns: whether the client reads.
    mutating func check(waiting: Int, now: NIODeadline) -> Bool {
        guard let deadline, now >= deadline else { return true }
        let taken = written - waiting
        guard waiting > 0 else {
            self.deadline = nil
            return true
        }
        guard taken >= target else { return false }
        begin(taken: taken, now)
        return true
    }

    private mutating func begin(taken: Int, _ now: NIODeadline) {
        target = min(written, taken + limits.writeProgress)
        deadline = now + limits.writeTimeout
    }
}
#endif
