#if Server
internal import Glibc

/// What signals mean, one after the other. The first of SIGTERM and SIGINT begins an orderly end, the second ends at once, and so does time
/// when the orderly end does not come to its own.
struct StopSequence: Sendable {
    enum Action: Sendable, Hashable {
        /// Everything in order; viewers have so long to go elsewhere.
        case begin(drain: Duration)
        /// With this exit code, whatever stands still.
        case exit(Int32)
        case reload
        case none
    }

    /// What SIGTERM gives viewers. SIGINT, which is a person's Ctrl-C, gives them nothing.
    let drain: Duration
    /// What the end may take after that.
    let shutdownMax: Duration
    /// A terminal that was closed is a person who has gone; elsewhere SIGHUP is an operator who has changed files.
    let hasLostTerminal: @Sendable () -> Bool

    /// When the orderly end has failed; nil as long as none has begun.
    private(set) var deadline: ContinuousClock.Instant?
    private var cause: Int32 = 0

    init(drain: Duration, shutdownMax: Duration, hasLostTerminal: @escaping @Sendable () -> Bool = { false }) {
        self.drain = drain
        self.shutdownMax = shutdownMax
        self.hasLostTerminal = hasLostTerminal
    }

    mutating func receive(_ signal: Int32, now: ContinuousClock.Instant) -> Action {
        if signal == SIGHUP, !hasLostTerminal() { return .reload }
        // A shell may send more than one when its terminal goes.
        if signal == SIGHUP, deadline != nil { return .none }
        guard deadline == nil else { return .exit(128 + signal) }
        let drain = signal == SIGTERM ? drain : .zero
        deadline = now + drain + shutdownMax
        cause = signal
        return .begin(drain: drain)
    }

    /// Time has passed, and nothing came.
    func wait(now: ContinuousClock.Instant) -> Action {
        deadline.map { now >= $0 } == true ? .exit(128 + cause) : .none
    }
}
#endif
