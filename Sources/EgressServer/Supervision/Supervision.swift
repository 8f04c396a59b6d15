#if Server
/// The life of one supervised stream, as a value without input or output: it is told what happened, and says what to do next.
///
/// ```
/// probing ──▶ starting ──▶ running ──▶ waiting(run) ──▶ running …
///    │            │           │            every state ──▶ stopped
///    ▼            ▼           ▼
/// waiting(probe) ◀┴───────────┘  ──▶ probing …
/// ```
///
/// The start hook is called once. FFmpeg may have ended because the input has changed. So the input is probed again after a run that failed soon, and
/// with `probesEachTime` after each run. Legs are then changed to the same ports without the hook, so that viewers stay. The stop hook is called
/// exactly when the start hook has succeeded.
struct Supervision: Sendable, Hashable {
    enum State: Sendable, Hashable {
        case probing
        case starting
        case running(since: ContinuousClock.Instant)
        case waiting(then: Step)
        case stopped
    }

    /// What is done after a wait.
    enum Step: Sendable, Hashable {
        case probe
        case run
    }

    /// What the caller has to do, and then report.
    enum Action: Sendable, Hashable {
        case probe
        case callStartHook
        /// Like the hook, for a stream that has started.
        case changeLegs
        case run
        case wait(Duration)
        case callStopHook
        case finish
    }

    /// A run this long counts as healthy: its command line was not the reason that it ended.
    static let healthyRun = Duration.seconds(10)

    private(set) var state = State.probing
    private(set) var hasStarted = false
    private(set) var runs = 0
    /// How many probes have failed in a row.
    private(set) var probeFailures = 0
    private let probesEachTime: Bool
    private var backoff: Backoff

    /// - Parameter probesEachTime: probe also before a run that follows a healthy one. That suits a camera, whose settings may have changed.
    init(probesEachTime: Bool = true, backoff: Backoff = Backoff()) {
        self.probesEachTime = probesEachTime
        self.backoff = backoff
    }

    /// The first thing to do.
    var firstAction: Action { .probe }

    mutating func probed(isSuccess: Bool) -> Action {
        guard state == .probing else { return ignored() }
        guard isSuccess else {
            probeFailures += 1
            return wait(then: .probe)
        }
        probeFailures = 0
        state = .starting
        // A run that fails repeatedly between two successful probes waits longer each time.
        guard !hasStarted else { return .changeLegs }
        backoff.reset()
        return .callStartHook
    }

    mutating func hookCalled(isSuccess: Bool, now: ContinuousClock.Instant) -> Action {
        guard state == .starting else { return ignored() }
        guard isSuccess else { return wait(then: .probe) }
        if !hasStarted { backoff.reset() }
        hasStarted = true
        return run(now: now)
    }

    mutating func ended(now: ContinuousClock.Instant) -> Action {
        guard case .running(let since) = state else { return ignored() }
        let isHealthy = now - since >= Self.healthyRun
        if isHealthy { backoff.reset() }
        return wait(then: isHealthy && !probesEachTime ? .run : .probe)
    }

    /// FFmpeg was ended on purpose, to continue at once with other legs.
    mutating func endedForNewLegs(now: ContinuousClock.Instant) -> Action {
        guard case .running = state else { return ignored() }
        return run(now: now)
    }

    /// FFmpeg was ended on purpose, because the input has more than FFmpeg was told to take.
    mutating func endedForProbe() -> Action {
        guard case .running = state else { return ignored() }
        state = .probing
        return .probe
    }

    mutating func waited(now: ContinuousClock.Instant) -> Action {
        guard case .waiting(let step) = state else { return ignored() }
        switch step {
        case .probe:
            state = .probing
            return .probe
        case .run:
            return run(now: now)
        }
    }

    /// The stream is removed, or the server shuts down. The process, if any, has ended already. Further calls have no effect.
    mutating func stop() -> Action {
        guard state != .stopped else { return .finish }
        state = .stopped
        return hasStarted ? .callStopHook : .finish
    }

    private mutating func run(now: ContinuousClock.Instant) -> Action {
        state = .running(since: now)
        runs += 1
        return .run
    }

    private mutating func wait(then step: Step) -> Action {
        state = .waiting(then: step)
        return .wait(backoff.delay())
    }

    /// Handles a report that does not fit the state. After a stop such reports may still arrive and are ignored; before it they are a bug.
    private func ignored() -> Action {
        precondition(state == .stopped, "report out of turn")
        return .finish
    }
}
#endif
