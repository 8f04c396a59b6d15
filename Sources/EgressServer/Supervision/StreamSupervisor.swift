#if Server
internal import Egress
internal import Logging

/// Carries out what ``Supervision`` decides for one stream: probes its input, calls the hooks, runs FFmpeg.
struct StreamSupervisor: Sendable {
    let stream: StreamDefinition
    let engine: EgressEngine
    let tools: FFmpegTools
    let board: SupervisionBoard
    let logger: Logger
    private let inputProbe: InputProbe
    private let secrets: Secrets
    private let complaints = Complaints()

    init(
        stream: StreamDefinition, engine: EgressEngine, tools: FFmpegTools, board: SupervisionBoard, probes: ProbeQueue, logger: Logger
    ) {
        self.stream = stream
        self.engine = engine
        self.tools = tools
        self.board = board
        inputProbe = InputProbe(stream: stream, tools: tools, probes: probes)
        secrets = Secrets(of: stream.input)
        var logger = logger
        logger[metadataKey: "stream"] = "\(stream.id)"
        self.logger = logger
    }

    /// Runs until the task is cancelled; then FFmpeg has ended and the stop hook has been called.
    func run() async {
        guard let input = try? stream.input.examined(), input.waitsForPublisher else { return await supervise(nil) }
        let relay = PublisherRelay(input: input, ffmpeg: tools.ffmpeg, logger: logger) { report($0) }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await relay.run() }
            await supervise(relay)
            tasks.cancelAll()
        }
    }

    /// - Parameter relay: the relay that a publisher sends to; nil: the input is read directly.
    private func supervise(_ relay: PublisherRelay?) async {
        var machine = Supervision(
            probesEachTime: stream.input.mayChange, backoff: Backoff(spread: Backoff.spread, seed: .random(in: .min ... .max)))
        var job = Job()
        var action = machine.firstAction
        while action != .finish {
            if Task.isCancelled, action != .callStopHook { action = machine.stop() }
            note(machine)
            switch action {
            case .probe:
                job.publication = await publication(relay)
                job.found = await decide(failures: machine.probeFailures, job)
                action = machine.probed(isSuccess: job.found != nil)
            case .callStartHook:
                let isSuccess = callStartHook(&job)
                action = machine.hookCalled(isSuccess: isSuccess, now: .now)
            case .changeLegs:
                let isSuccess = changeLegs(&job)
                action = machine.hookCalled(isSuccess: isSuccess, now: .now)
            case .run:
                action = await runFFmpeg(&job, &machine, relay)
            case .wait(let delay):
                // Cancellation ends the wait early. The top of the loop checks for it.
                try? await Task.sleep(for: delay)
                action = machine.waited(now: .now)
            case .callStopHook:
                engine.onProcessStop(id: stream.id)
                action = .finish
            case .finish:
                break
            }
        }
        board.update(stream.id) { $0.phase = .stopped }
    }

    private struct Job {
        /// What the stream was started with, once it was: its encodings are chosen once.
        var webrtc: WebRTCConfig?
        /// The sentences about the last decision that were logged.
        var told: [String] = []
        /// The decision after the last probe.
        var found: LegDecision?
        /// The plan by which the legs are made.
        var decision: LegDecision?
        var legs: [ConfigIO] = []
        /// The input whose video was to be copied when it turned out that it can't be. A probe does not always show that.
        var hidden: (decision: LegDecision, flaw: HiddenFlaw)?
        /// A new track for which the input was probed again. If that did not help, it is not done a second time.
        var newTrack: LegPlan.Leg?
        /// The publisher whose media was probed, for an input that waits for a publisher.
        var publication: PublisherRelay.Publication?
    }

    // MARK: Steps

    private func publication(_ relay: PublisherRelay?) async -> PublisherRelay.Publication? {
        guard let relay else { return nil }
        if let current = relay.current { return current }
        board.update(stream.id) { $0.phase = .waitingForPublisher }
        return await relay.publication()
    }

    private func decide(failures: Int, _ job: Job) async -> LegDecision? {
        do {
            let decision = try await inputProbe.decision(failures: failures, job.publication, of: job.webrtc)
            guard let hidden = job.hidden, hidden.decision == decision else { return decision }
            return try decision.transcoding(because: hidden.flaw.reason)
        } catch is CancellationError {
            return nil
        } catch {
            report("the input cannot be used yet: \(error)")
            return nil
        }
    }

    private func callStartHook(_ job: inout Job) -> Bool {
        guard let decision = job.found else { return false }
        announce(decision, &job)
        do {
            let config = ProcessConfig(id: stream.id, webrtc: decision.configured)
            job.legs = try engine.onProcessStart(id: stream.id, config: config, plan: decision.planOfConfigured)
            job.decision = decision
            job.webrtc = decision.configured
            if job.legs.isEmpty { report("cannot start: egress is disabled in the configuration") }
            return !job.legs.isEmpty
        } catch {
            report("cannot start: \(error)")
            return false
        }
    }

    /// Makes legs to the same ports for what the input has now. The engine sees a restarted source, and viewers stay. Viewers that lack a new leg are
    /// asked to connect again.
    private func changeLegs(_ job: inout Job) -> Bool {
        guard let decision = job.found else { return false }
        guard decision != job.decision else { return true }
        announce(decision, &job)
        do {
            job.legs = try engine.changeLegs(of: stream.id, plan: decision.planOfConfigured)
            job.decision = decision
            job.newTrack = nil
            return true
        } catch {
            report("cannot continue: \(error)")
            return false
        }
    }

    private func runFFmpeg(_ job: inout Job, _ machine: inout Supervision, _ relay: PublisherRelay?) async -> Supervision.Action {
        if let relay, relay.current != job.publication { return machine.endedForProbe() }
        let encodings = job.decision?.encodings ?? []
        let copied = Set(encodings.indices.filter { encodings[$0].isCopy })
        let reading = job.decision?.reading ?? InputReading()
        var stream = stream
        if let input = job.decision?.input { stream.input = input }
        let arguments = FFmpegCommand.arguments(input: stream.input, reading: reading, legs: job.legs, version: tools.version)
        logger.debug("running FFmpeg", metadata: ["arguments": "\(secrets.mask(FFmpegCommand.shown(arguments)))"])
        var missing = job.decision?.planOfConfigured.missing ?? []
        if let known = job.newTrack { missing.remove(known) }
        let watch = RunWatch(
            of: stream, copied: copied, pace: reading.pace, missing: missing, engine: engine, board: board, secrets: secrets,
            complaints: complaints, logger: logger)
        let ending = await watch.follow(GuardedCommand(executable: tools.ffmpeg, arguments: arguments))
        if Task.isCancelled { return machine.stop() }
        // The next publisher may send something else: another codec, no sound.
        if case .byItself = ending, let relay, await hasGone(job.publication, relay) { return machine.endedForProbe() }
        switch ending {
        case .objection(.flaw(let flaw)):
            do {
                job.found = try job.decision?.transcoding(because: flaw.reason)
                job.hidden = job.decision.map { ($0, flaw) }
                if changeLegs(&job) { return machine.endedForNewLegs(now: .now) }
            } catch {
                report("FFmpeg was ended: \(error)")
                return machine.ended(now: .now)
            }
        case .objection(.newTrack(let leg)):
            logger.info("\(ending), and the input is probed again")
            job.newTrack = leg
            return machine.endedForProbe()
        case .objection(.dry):
            logger.info("\(ending); it is restarted a few segments behind the newest")
            return machine.endedForNewLegs(now: .now)
        default: break
        }
        report("\(ending); it is restarted")
        return machine.ended(now: .now)
    }

    /// The pipe ends a moment before the relay notices.
    private func hasGone(_ publication: PublisherRelay.Publication?, _ relay: PublisherRelay) async -> Bool {
        for _ in 0..<20 {
            if relay.current != publication { return true }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    // MARK: Telling

    /// A decision that was made before is not logged again.
    private func announce(_ decision: LegDecision, _ job: inout Job) {
        for reason in decision.reasons { logger.log(level: job.told.contains(reason) ? .debug : .info, "\(reason)") }
        job.told = decision.reasons
        board.update(stream.id) { status in
            status.decisions = [decision.videoReason, decision.audioReason]
            status.encodings = decision.encodings
        }
    }

    /// A problem that stays the same is a warning only once, so that an input that is away for a night does not fill a disk.
    private func report(_ problem: String) {
        let text = secrets.mask(problem)
        let isNew = board.all[stream.id]?.problem != text
        logger.log(level: isNew ? .warning : .debug, "\(text)")
        board.update(stream.id) { $0.problem = text }
    }

    private func note(_ machine: Supervision) {
        board.update(stream.id) { status in
            status.runs = machine.runs
            status.speed = nil
            switch machine.state {
            case .probing: status.phase = .probing
            case .starting: status.phase = .starting
            case .running: status.phase = .running
            case .waiting: status.phase = .waiting
            case .stopped: status.phase = .stopped
            }
        }
    }
}
#endif
