#if Server
internal import Egress
internal import Logging
internal import Synchronization

/// Watches one run of FFmpeg: its progress reports, its complaints, and what arrives at the engine.
final class RunWatch: Sendable {
    /// Why a run has to end.
    enum Objection: Sendable, Hashable {
        case standstill(StaleWatch.Finding)
        /// Video that is copied can't be.
        case flaw(HiddenFlaw)
        /// Segments came later than they were due, so FFmpeg should be restarted with some segments in hand.
        case dry
        /// The input has a new track that the stream has no leg for.
        case newTrack(LegPlan.Leg)
    }

    private struct State {
        var parser = FFmpegProgressParser()
        var pace = PaceMonitor()
        var lines = LineBudget()
        var stale: StaleWatch
        var idrs: IDRWatch
        var hasFlowed = false
        var dry = DryWatch()
        var isDry = false
        var newTrack: LegPlan.Leg?
    }

    private let id: String
    private let copied: Set<Int>
    private let pace: InputReading.Pace
    private let missing: Set<LegPlan.Leg>
    private let engine: EgressEngine
    private let board: SupervisionBoard
    private let secrets: Secrets
    private let complaints: Complaints
    private let logger: Logger
    private let state: Mutex<State>

    /// Make it when the run begins.
    /// - Parameters:
    ///   - copied: the places of the encodings that are copied.
    ///   - missing: legs that the stream would get if the input had a track for them.
    init(
        of stream: StreamDefinition, copied: Set<Int>, pace: InputReading.Pace, missing: Set<LegPlan.Leg>, engine: EgressEngine,
        board: SupervisionBoard, secrets: Secrets, complaints: Complaints, logger: Logger
    ) {
        id = stream.id
        self.copied = copied
        self.pace = pace
        self.missing = missing
        self.engine = engine
        self.board = board
        self.secrets = secrets
        self.complaints = complaints
        self.logger = logger
        let input = stream.input
        let status = engine.stream(named: stream.id)
        let reading = status.map(StaleWatch.Reading.init) ?? .init(video: 0, audio: 0)
        let stale = StaleWatch(
            timeout: input.staleTimeout, waitsForPublisher: input.waitsForPublisher,
            watchesEachLeg: input.kind.isLive && pace != .timestamps, reading: reading,
            now: .now)
        state = Mutex(
            State(stale: stale, idrs: IDRWatch(idrs: status?.statistics.idrs ?? 0, packets: reading.video, now: .now)))
    }

    /// Watches what arrives, whatever FFmpeg writes, until there is a reason to end the run; nil when the task is cancelled.
    func objection() async -> Objection? {
        while (try? await Task.sleep(for: StaleWatch.interval)) != nil {
            if let objection = look() { return objection }
        }
        return nil
    }

    private func look() -> Objection? {
        guard let status = engine.stream(named: id) else { return nil }
        let (finding, isFirst) = state.withLock { state in
            let finding = state.stale.look(StaleWatch.Reading(status), now: .now)
            defer { state.hasFlowed = state.stale.hasFlowed }
            return (finding, state.stale.hasFlowed && !state.hasFlowed)
        }
        // An earlier problem is over when media comes, not when FFmpeg is restarted.
        if isFirst { board.update(id) { $0.problem = nil } }
        if let flaw = flaw(of: status) { return .flaw(flaw) }
        if state.withLock({ $0.isDry }) { return .dry }
        if let leg = state.withLock({ $0.newTrack }) { return .newTrack(leg) }
        return finding.map(Objection.standstill)
    }

    private func flaw(of status: StreamStatus) -> HiddenFlaw? {
        if status.encodings.indices.contains(where: { copied.contains($0) && status.encodings[$0].hasBFrames }) { return .bFrames }
        // IDR pictures are counted of the first encoding alone; the others that are copied are of the same input.
        guard copied.contains(0) else { return nil }
        let statistics = status.statistics
        let hasNone = state.withLock { $0.idrs.look(idrs: statistics.idrs, packets: statistics.video.packets, now: .now) }
        return hasNone ? .noIDR : nil
    }

    /// A line that FFmpeg wrote to its standard output.
    func read(line: String) {
        guard let report = state.withLock({ $0.parser.parse(line: line) }) else { return }
        board.update(id) { $0.speed = report.speed }
        guard let position = report.position else { return }
        warnIfSlow(position)
        guard pace == .timestampsOfSegments else { return }
        state.withLock { state in
            if state.dry.isDry(position: position, now: .now) { state.isDry = true }
        }
    }

    /// A line that FFmpeg wrote to its standard error.
    func read(complaint line: String) {
        // FFmpeg ignores a track that appears later, but writes that it does.
        if let leg = missing.first(where: { line.contains("New \($0.rawValue) stream ") }) { state.withLock { $0.newTrack = leg } }
        guard let told = complaints.told(secrets.mask(line), now: .now) else { return }
        let verdict = state.withLock { $0.lines.spend(now: .now) }
        if verdict.suppressed > 0 { logger.warning("FFmpeg: \(verdict.suppressed) more lines were left out") }
        if verdict.isGranted { logger.warning("FFmpeg: \(told)") }
    }

    private func warnIfSlow(_ position: Duration) {
        let load = MachineLoad.now()
        guard let pace = state.withLock({ $0.pace.slowPace(position: position, now: .now, load: load) }) else { return }
        let percent = Int(saturating: pace * 100)
        logger.warning(
            "FFmpeg runs at \(percent) % of real time: the machine is too slow for what it has to encode, and viewers will see pauses")
    }
}

/// Why video can't be copied, when that shows only while it runs.
enum HiddenFlaw: Sendable, Hashable {
    case bFrames, noIDR

    /// The text after "encoding video: ".
    var reason: String {
        switch self {
        case .bFrames: "it has B-frames now, which WebRTC cannot reorder"
        case .noIDR: "it has had no IDR picture for \(IDRWatch.patience.components.seconds) s, so nobody could join"
        }
    }
}

extension StaleWatch.Reading {
    init(_ status: StreamStatus) {
        self.init(video: status.statistics.video.packets, audio: status.statistics.audio.packets)
    }
}
#endif
