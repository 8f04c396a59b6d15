#if Server
/// The life of one supervised stream, without any input or output: told what happened, it says what to do next.
///
/// ```
/// probing ──▶ starting ──▶ running ──▶ waiting(run) ──▶ running …
///    │            │           │            every state ──▶ stopped
///    ▼            ▼           ▼
/// waiting(probe) ◀┴───────────┘  ──▶ probing …
/// ```
///
/// The start hook is called once. What FFmpeg ended with may be that the input is not what it was: after a run that failed soon, and after each run
/// where `probesEachTime`, it is probed again, and legs are changed without the hook, to the same ports, so that viewers stay. The stop hook is owed
/// exactly when the start hook succeeded.
struct Supervision: Sendable, Hashable {
    enum State: Sendable, Hashable {
        case probing
        case starting
        case running(since: ContinuousClock.Instant)
        case waiting(then: Step)
        case stopped
    }

    /// What a wait is for.
    enum Step: Sendable, Hashable {
        case probe
        case run
    }

    /// What the owner of the machine must do, and then report.
    enum Action: Sendable, Hashable {
        case probe
        case callStartHook
        /// As the hook, for a stream that has started.
        case changeLegs
        case run
        case wait(Duration)
        case callStopHook
        case finish
    }

    /// A run this long counts as healthy: what ended it was not the command line.
    static let healthyRun = Duration.seconds(10)

    private(set) var state = State.probing
    private(set) var hasStarted = false
    private(set) var runs = 0
    /// Probes that failed, one after the other, up to now.
    private(set) var probeFailures = 0
    private let probesEachTime: Bool
    private var backoff: Backoff

    /// - Parameter probesEachTime: before a run that follows a healthy one too, as suits a camera, which may have been set up anew meanwhile.
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
        // What fails again and again between two probes that succeed waits longer each time.
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

    /// FFmpeg was ended on purpose, to go on at once with other legs.
    mutating func endedForNewLegs(now: ContinuousClock.Instant) -> Action {
        guard case .running = state else { return ignored() }
        return run(now: now)
    }

    /// FFmpeg was ended on purpose, since there is more in the input than it was told to take.
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

    /// Removal or shutdown; the process, if any, has ended already. A second stop does nothing.
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

    /// A report that does not belong to the state: after a stop they may still arrive, and mean nothing; before it they are a bug.
    private func ignored() -> Action {
        precondition(state == .stopped, "report out of turn")
        return .finish
    }
}
#endif
