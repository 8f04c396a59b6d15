public import Logging
import Synchronization

#if ServiceLifecycle
import ServiceLifecycle
#endif

/// The engine: processes send RTP to it over loopback, viewers watch over WebRTC.
///
/// A host may call ``onProcessStart(id:config:plan:)`` and ``onProcessStop(id:)`` while it holds a lock of its own: they are
/// quick, never wait for the network and never call back into the host, except for the teardown hook.
public final class EgressEngine: Sendable {
    public let configuration: EgressConfiguration
    /// What the engine settled on when it was made. All fields are empty when the configuration disables it.
    public let info: EngineInfo

    let logger: Logger
    let registry: StreamRegistry
    let viewerEvents: ViewerEvents
    private let owner: Mutex<EngineOwner?>
    private let stopped = OneShot()
    private let events = EventLog()
    /// Threads for calls of the engine. Such a call waits until one of the engine's threads has carried it out: for a turn of its loop, as a rule,
    /// but longer while a hook of the host's holds the loop up.
    package let threads = WaitingThreads(count: 16)
    private let now: @Sendable () -> Int64

    /// Opens the viewers' UDP port and starts the engine's thread, unless the configuration disables it.
    /// - Throws: ``EgressError/Code/invalidConfiguration``, ``EgressError/Code/addressInUse``, ``EgressError/Code/engine``.
    public convenience init(configuration: EgressConfiguration, logger: Logger) throws(EgressError) {
        try self.init(configuration: configuration, logger: logger, now: WallClock.microseconds)
    }

    /// `now` gives the time at which FFmpeg's outputs begin, in microseconds since 1970. `observe` gets each event first, on the engine's
    /// thread, which waits for it.
    init(
        configuration: EgressConfiguration, logger: Logger, now: @escaping @Sendable () -> Int64,
        observe: @escaping @Sendable (EngineEvent) -> Void = { _ in }
    ) throws(EgressError) {
        try configuration.validate()
        self.configuration = configuration
        self.logger = logger
        self.now = now
        let registry = StreamRegistry()
        let viewerEvents = ViewerEvents(registry: registry, threads: threads)
        self.registry = registry
        self.viewerEvents = viewerEvents
        guard configuration.isEnabled else {
            info = EngineInfo()
            owner = Mutex(nil)
            return
        }
        let events = events
        let handle = try EngineHandle(configuration) { event in
            observe(event)
            guard let entry = registry.receive(event) else { return }
            if case .viewerClosed = event, let session = entry.session { viewerEvents.end(CollectionOfOne(session)) }
            events.record(entry)
        }
        info = handle.info
        owner = Mutex(EngineOwner(handle))
        events.start(on: threads, logger: logger, udpPort: info.udpPort, receive: viewerEvents.receive)
        viewerEvents.layersAre { [weak self] sessions, stream in self?.layers(of: sessions, stream) ?? [] }
        if let reason = info.ioFallbackReason { logger.warning("io_uring is not available, using epoll instead: \(reason)") }
    }

    deinit { shutdown() }

    /// Waits until the task is cancelled, ``shutdown()`` is called, or, with the trait `ServiceLifecycle`, the service group that the engine is part
    /// of shuts down gracefully. Then shuts down.
    public func run() async throws {
        #if ServiceLifecycle
        await cancelWhenGracefulShutdown { await self.stopped.wait() }
        #else
        await stopped.wait()
        #endif
        await withTaskExecutorPreference(threads) { shutdown() }
    }

    /// Stops every stream as ``onProcessStop(id:)`` does and closes the engine. Further calls have no effect.
    public func shutdown() {
        for id in registry.close() { onProcessStop(id: id) }
        // The last reference to the engine destroys it: here, or in a call that is under way on another thread.
        _ = owner.withLock { $0.take() }
        events.finish()
        viewerEvents.endAll()
        stopped.raise()
    }

    // MARK: Lifecycle

    /// Makes the stream of a process that is about to start.
    /// - Parameter plan: how the video leg is to be made; `nil`: as the configuration says.
    /// - Returns: outputs that the host appends to the process' own. Empty when egress is disabled, in the engine or for the process.
    /// - Throws: ``EgressError``. The process must not start then; nothing is left behind. ``EgressError/Code/invalidConfiguration``: a field is
    ///   wrong, or ``StreamID`` does not allow the id.
    public func onProcessStart(id: String, config: ProcessConfig?, plan: LegPlan? = nil) throws(EgressError) -> [ConfigIO] {
        guard configuration.isEnabled, let config = config?.webrtc, config.isEnabled else { return [] }
        if let problem = StreamID.problem(with: id) { throw .invalid("id", problem) }
        let settings = try config.normalized()
        try registry.reserve(id)
        let stream: ProcessStream
        do {
            stream = try makeStream(id: id, settings, plan)
        } catch {
            registry.release(id)
            throw error
        }
        var metadata: Logger.Metadata = ["id": "\(id)", "video_port": "\(stream.ports.video)", "audio_port": "\(stream.ports.audio)"]
        let encodings = settings.videoEncodings
        if let first = encodings.first { metadata["video_pt"] = "\(first.payloadType)" }
        if !settings.encodings.isEmpty {
            metadata["encodings"] = "\(encodings.map { "\($0.rid) (\($0.codec.name))" }.joined(separator: ", "))"
        }
        metadata["audio_pt"] = "\(settings.audioPayloadType)"
        logger.info("Egress registered for the process", metadata: metadata)
        return stream.outputs
    }

    /// Ends the stream of a process that has just stopped: no viewer can join it any more, the teardown hook is called, then its viewers and its
    /// sources are closed.
    /// - Returns: Whether this call ended a stream. Of several calls at the same time one does. False for an unknown id: nothing happens then.
    @discardableResult
    public func onProcessStop(id: String) -> Bool {
        guard let removal = registry.remove(id) else { return false }
        removal.teardownHook?(id)
        // For every later request the sessions end here. The engine says goodbye to their viewers right after, to all in one turn of its
        // loop instead of one turn each.
        registry.endSessions(ofStopped: id)
        // The engine says goodbye to the viewers before it closes the ports they are fed from.
        engine?.handle.destroyStream(removal.stream.engineID)
        viewerEvents.end(registry.forget(removal.stream))
        events.forget(stream: id)
        logger.info("Egress torn down for the process", metadata: ["id": "\(id)"])
        return true
    }

    /// Sets the teardown hook. It is called with the id of each stream that stops, while the stream and its sessions can still be read. The hook is
    /// the host's own: nothing in this library sets it. There is one hook: a second call replaces the first, `nil` removes it. It runs on the thread
    /// that stops the stream, with no lock held.
    public func setTeardownHook(_ hook: (@Sendable (_ id: String) -> Void)?) {
        registry.setTeardownHook(hook)
    }

    /// Makes other legs for a stream whose process is about to run again because its input has changed: the input has lost or gained a track, or its
    /// video has to be encoded now. The new legs go to the same ports, and viewers stay connected. Viewers get nothing any more for a leg that is
    /// left out. A viewer that asked for a leg which is new now, and did not get it, is asked to connect again if it listens for that (the
    /// server-sent event `reconnect`).
    /// - Parameter plan: leaves out legs of the configuration that the process was started with.
    /// - Returns: as ``onProcessStart(id:config:plan:)`` does.
    /// - Throws: ``EgressError/Code/notFound``: the stream does not exist. ``EgressError/Code/invalidConfiguration``: no leg would be left. In both
    ///   cases the stream is as it was.
    public func changeLegs(of id: String, plan: LegPlan) throws(EgressError) -> [ConfigIO] {
        guard let stream = registry.stream(named: id) else { throw .streamNotFound(id) }
        let config = try stream.base.leavingOut(plan.missing)
        let outputs = outputs(config, stream.ports, plan)
        guard registry.change(stream, to: config, outputs) else { throw .streamNotFound(id) }
        viewerEvents.reconnect(registry.sessionsThatLackALeg(of: id))
        return outputs
    }

    private func makeStream(id: String, _ base: WebRTCConfig, _ plan: LegPlan?) throws(EgressError) -> ProcessStream {
        guard let engine else { throw .shutDown }
        let config = try base.leavingOut(plan?.missing ?? [])
        let ports = try engine.handle.createStream(base)
        let stream = ProcessStream(
            id: id, engineID: ports.stream, ports: ports, base: base, config: config, outputs: outputs(config, ports, plan))
        guard registry.activate(stream) else {
            engine.handle.destroyStream(ports.stream)
            throw .shutDown
        }
        return stream
    }

    private func outputs(_ config: WebRTCConfig, _ ports: EngineHandle.StreamPorts, _ plan: LegPlan?) -> [ConfigIO] {
        let arguments = FFmpegArguments.build(
            config, videoPort: ports.video, furtherPorts: ports.further, plan: plan, startTime: now())
        return FFmpegArguments.splitLegs(arguments, rids: config.videoEncodings.dropFirst().map(\.rid))
    }

    private func encodingStatus(_ stream: ProcessStream) -> [EncodingStatus] {
        let ports = [stream.ports.video] + stream.ports.further
        return zip(stream.config.videoEncodings, ports).enumerated().map { index, encoding in
            let reading = reading(of: stream, encoding: index)
            return EncodingStatus(
                rid: encoding.0.rid, codec: encoding.0.codec, port: encoding.1, isActive: reading?.isActive ?? false,
                format: reading?.format,
                hasBFrames: reading?.hasBFrames ?? false, hasOtherCodec: reading?.hasOtherCodec ?? false,
                bitRate: reading?.bitRate ?? 0, gopMilliseconds: reading?.gopMilliseconds ?? 0,
                viewers: reading?.viewers ?? 0)
        }
    }

    // MARK: Reading

    /// Sorted by id.
    public func streams() -> [StreamStatus] {
        registry.streams().compactMap(status)
    }

    public func stream(named id: String) -> StreamStatus? {
        registry.stream(named: id).flatMap(status)
    }

    /// All fields are zero after ``shutdown()``.
    public func statistics() -> EngineStatistics {
        engine?.handle.statistics ?? EngineStatistics()
    }

    /// Waits until the stream's first IDR was seen with its sequence parameter set, for at most `limit`.
    /// - Returns: `nil` when no such IDR was seen, when the stream has no video, or when the stream does not exist.
    public func videoFormat(of id: String, waitingUpTo limit: Duration) async -> VideoFormat? {
        guard let stream = registry.stream(named: id), stream.config.hasVideo else { return nil }
        // The engine is asked before and after: its event may have come before this stream was registered.
        if let format = reading(of: stream, encoding: 0)?.format { return format }
        await stream.formatsKnown[0].wait(upTo: limit)
        return reading(of: stream, encoding: 0)?.format
    }

    /// Closes a viewer by its session. Has no effect when the session does not exist.
    public func closeViewer(session: String) {
        closeViewer(session: session, of: nil)
    }

    /// False when the session does not exist, when it belongs to another stream, or when another call has closed it.
    @discardableResult
    func closeViewer(session: String, of stream: String?) -> Bool {
        guard let taken = registry.takeSession(session, of: stream) else { return false }
        viewerEvents.end(CollectionOfOne(session))
        engine?.handle.closeViewer(taken.viewer)
        return true
    }

    func reading(of stream: ProcessStream, encoding index: Int) -> EncodingReading? {
        let encodings = stream.base.videoEncodings
        guard encodings.indices.contains(index) else { return nil }
        return engine?.handle.stats(of: stream.engineID, encoding: index, encodings[index].codec)
    }

    private func reading(of stream: ProcessStream) -> StreamReading? {
        engine?.handle.stats(of: stream.engineID, stream.base.videoEncodings.first?.codec ?? .h264)
    }

    private func status(of stream: ProcessStream) -> StreamStatus? {
        guard let reading = reading(of: stream) else { return nil }
        let sources = [reading.statistics.video, reading.statistics.audio]
        let state: StreamStatus.State =
            if sources.contains(where: \.isActive) { .active } else if sources.allSatisfy({ $0.packets == 0 }) { .waiting } else {
                .inactive
            }
        return StreamStatus(
            id: stream.id, videoPort: stream.ports.video, audioPort: stream.ports.audio, hasVideo: stream.config.hasVideo,
            hasAudio: stream.config.hasAudio, state: state, viewers: reading.viewers, viewersConnected: reading.viewersConnected,
            format: reading.format, hasBFrames: reading.hasBFrames, outputs: stream.outputs, statistics: reading.statistics,
            encodings: encodingStatus(stream))
    }

    /// `nil` after ``shutdown()``. A call holds this reference so that the engine is not destroyed while the call is under way.
    var engine: EngineOwner? { owner.withLock { $0 } }
}
