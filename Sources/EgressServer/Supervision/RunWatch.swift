#if Server
internal import Egress
internal import Logging
internal import Synchronization

/// Follows one run of FFmpeg by what it writes: progress reports and complaints.
final class RunWatch: Sendable {
    private struct State {
        var parser = FFmpegProgressParser()
        var pace = PaceMonitor()
        var complaints = LineBudget()
        var hasFoundBFrames = false
    }

    private let id: String
    private let isCopy: Bool
    private let engine: EgressEngine
    private let board: SupervisionBoard
    private let secrets: Secrets
    private let logger: Logger
    private let state = Mutex(State())

    init(id: String, isCopy: Bool, engine: EgressEngine, board: SupervisionBoard, secrets: Secrets, logger: Logger) {
        self.id = id
        self.isCopy = isCopy
        self.engine = engine
        self.board = board
        self.secrets = secrets
        self.logger = logger
    }

    /// The run was ended because video that was to be copied has B-frames after all.
    var hasFoundBFrames: Bool { state.withLock { $0.hasFoundBFrames } }

    func read(line: String) -> ProcessRunner.Verdict {
        guard let report = state.withLock({ $0.parser.parse(line: line) }) else { return .goOn }
        board.update(id) { $0.speed = report.speed }
        if let position = report.position { warnIfSlow(position) }
        guard isCopy, engine.stream(named: id)?.hasBFrames == true else { return .goOn }
        state.withLock { $0.hasFoundBFrames = true }
        return .end
    }

    /// A line that FFmpeg wrote to its standard error.
    func read(complaint line: String) {
        let verdict = state.withLock { $0.complaints.spend(now: .now) }
        if verdict.suppressed > 0 { logger.warning("FFmpeg: \(verdict.suppressed) more lines were left out") }
        if verdict.isGranted { logger.warning("FFmpeg: \(secrets.mask(line))") }
    }

    private func warnIfSlow(_ position: Duration) {
        guard let pace = state.withLock({ $0.pace.slowPace(position: position, now: .now) }) else { return }
        let percent = Int(pace * 100)
        logger.warning("FFmpeg gives \(percent) % of real time: the machine or the input is too slow, and viewers will see pauses")
    }
}
#endif
