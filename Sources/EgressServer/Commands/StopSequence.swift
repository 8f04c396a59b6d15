#if Server
internal import Glibc

/// What signals mean, one after the other. The first SIGTERM or SIGINT begins an orderly end, the second ends the process at once. An orderly end
/// that does not finish in time is forced.
struct StopSequence: Sendable {
    enum Action: Sendable, Hashable {
        /// Begin an orderly end; viewers have so long to go elsewhere.
        case begin(drain: Duration)
        /// End at once with this exit code, whatever hangs.
        case exit(Int32)
        case reload
        case none
    }

    /// How long SIGTERM gives viewers to go elsewhere. SIGINT, which is a person's Ctrl-C, gives them no time.
    let drain: Duration
    /// How long the orderly end may take after that.
    let shutdownMax: Duration
    /// When the terminal was closed, SIGHUP means that the person has gone; otherwise it means that an operator has changed files.
    let hasLostTerminal: @Sendable () -> Bool

    /// The time at which the orderly end counts as failed; nil as long as none has begun.
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

    /// Time has passed, and no signal has come.
    func wait(now: ContinuousClock.Instant) -> Action {
        deadline.map { now >= $0 } == true ? .exit(128 + cause) : .none
    }
}
#endif
