#if Server
internal import Egress
internal import Logging
internal import Synchronization

/// Takes this server out of service without cutting viewers off at once. No new viewer is let in, viewers that listen for it are asked to connect
/// again, and viewers that are left when the time is up are closed.
///
/// ```
/// serving ──begin──▶ draining ──time is up, or nobody is left──▶ drained
///    ▲                  │                                           │
///    └───────end────────┴───────────────────end─────────────────────┘
/// ```
final class Drain: Sendable {
    private static let pollInterval = Duration.milliseconds(100)

    enum Phase: String, Sendable, Hashable, Encodable {
        case serving, draining, drained
    }

    struct Report: Encodable {
        var state: Phase
        var viewers: Int
        /// The time until the viewers that are left are closed; nil when they will not be.
        var deadlineSeconds: Double?

        private enum CodingKeys: String, CodingKey {
            case state, viewers
            case deadlineSeconds = "deadline_seconds"
        }
    }

    private struct State {
        var deadline: ContinuousClock.Instant?
        var ending: Task<Void, Never>?
    }

    let configuration: DrainConfiguration
    private let engine: EgressEngine
    private let whep: WHEPHandler
    private let logger: Logger
    private let state = Mutex(State())

    init(engine: EgressEngine, whep: WHEPHandler, configuration: DrainConfiguration, logger: Logger) {
        self.engine = engine
        self.whep = whep
        self.configuration = configuration
        self.logger = logger
    }

    var isDraining: Bool { whep.isDraining }

    /// Begins to drain, or changes the deadline when draining has begun.
    /// - Parameter duration: the time from now on; nil: the deadline stays, or is `fallback` when draining begins.
    func begin(within duration: Duration?, else fallback: Duration = .zero) {
        let isFirst = state.withLock { state in
            let isFirst = state.deadline == nil
            if !isFirst, duration == nil { return false }
            let deadline = ContinuousClock.now + (duration ?? fallback)
            state.ending?.cancel()
            state.deadline = deadline
            state.ending = Task(executorPreference: engine.threads) { await self.endViewers(at: deadline) }
            return isFirst
        }
        guard isFirst else { return }
        whep.beginDraining(to: configuration.url)
        logger.notice("draining: no new viewers are let in", metadata: ["viewers": "\(engine.statistics().viewers)"])
    }

    /// Lets viewers in again.
    func end() {
        let wasDraining = state.withLock { state in
            state.ending?.cancel()
            defer { state = State() }
            return state.deadline != nil
        }
        guard wasDraining else { return }
        whep.endDraining()
        logger.notice("draining has ended: viewers are let in again")
    }

    /// Returns when no viewer is left, or when the time is up and the viewers that were left have been closed. Returns at once when not draining.
    func finished() async {
        // A call of begin that comes meanwhile replaces the task.
        while let ending = state.withLock({ $0.ending }) {
            await ending.value
            if state.withLock({ $0.ending == ending }) { return }
        }
    }

    var report: Report {
        let viewers = engine.statistics().viewers
        let deadline = state.withLock { $0.deadline }
        guard let deadline else { return Report(state: .serving, viewers: viewers) }
        let left = max(.zero, ContinuousClock.now.duration(to: deadline))
        return Report(state: viewers > 0 ? .draining : .drained, viewers: viewers, deadlineSeconds: viewers > 0 ? left / .seconds(1) : nil)
    }

    private func endViewers(at deadline: ContinuousClock.Instant) async {
        while engine.statistics().viewers > 0, ContinuousClock.now < deadline {
            let next = min(deadline, .now + Self.pollInterval)
            guard (try? await Task.sleep(until: next, clock: .continuous)) != nil else { return }
        }
        guard !Task.isCancelled else { return }
        engine.closeViewers()
    }
}
#endif
