import Logging

/// Writes the engine's events to the log, and hands them on, from a task of its own on a thread that may wait, so that the engine's threads
/// never wait for a log file. Events beyond the buffer are left out of the log; the counters of ``EngineStatistics`` have them all.
struct EventLog: Sendable {
    struct Entry: Sendable {
        let event: EngineEvent
        let stream: String
        let session: String?
        /// The encoding that the event is about, where it is about one.
        var encoding: Encoding?
        /// Of a viewer that is gone.
        var ending: ViewerEnding?
    }

    private enum Item: Sendable {
        case entry(Entry)
        /// It is time to look whether a stream is still inactive.
        case look(stream: String, turn: Int)
        case forget(stream: String)
    }

    private static let entriesMax = 16_384
    /// How often a stream's viewers are said to have sound alone, and of how many streams that is remembered.
    private static let soundAloneWindow = Duration.seconds(60)
    private static let soundAloneMax = 1_024

    private let continuation: AsyncStream<Item>.Continuation
    private let items: AsyncStream<Item>

    init() {
        (items, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.entriesMax))
    }

    /// May be called on any of the engine's threads.
    func record(_ entry: Entry) { continuation.yield(.entry(entry)) }

    /// The stream is gone; another stream may get the same name.
    func forget(stream: String) { continuation.yield(.forget(stream: stream)) }

    /// Ends the writer once it has written what is buffered.
    func finish() { continuation.finish() }

    func start(on threads: WaitingThreads, logger: Logger, udpPort: UInt16, receive: @escaping @Sendable (Entry) -> Void) {
        let items = items
        let continuation = continuation
        Task(executorPreference: threads) {
            var activity = StreamActivity()
            var soundAlone = Repetitions(window: Self.soundAloneWindow, entriesMax: Self.soundAloneMax)
            for await item in items {
                switch item {
                case .entry(let entry):
                    switch Self.verdict(on: entry, &activity) {
                    case .say: Self.write(entry, to: logger, udpPort: udpPort, &soundAlone)
                    case .leaveOut: break
                    case .askLater(let turn):
                        Task {
                            try? await Task.sleep(for: StreamActivity.delay)
                            continuation.yield(.look(stream: entry.stream, turn: turn))
                        }
                    }
                    receive(entry)
                case .look(let stream, let turn):
                    guard activity.isStillInactive(stream, turn: turn) else { break }
                    logger.info("Stream inactive: its source said goodbye or fell silent", metadata: ["id": "\(stream)"])
                case .forget(let stream): activity.forget(stream)
                }
            }
        }
    }

    private static func verdict(on entry: Entry, _ activity: inout StreamActivity) -> StreamActivity.Verdict {
        switch entry.event {
        case .streamActive: activity.active(entry.stream)
        case .streamInactive: activity.inactive(entry.stream)
        default: .say
        }
    }

    private static func write(_ entry: Entry, to logger: Logger, udpPort: UInt16, _ soundAlone: inout Repetitions) {
        var metadata: Logger.Metadata = ["id": "\(entry.stream)"]
        switch entry.event {
        case .viewerConnected(let viewer, let remoteAddress):
            metadata["viewer"] = "\(viewer.hex)"
            metadata["remote_address"] = "\(remoteAddress)"
            logger.info("Viewer connected", metadata: metadata)
        case .viewerClosed(let viewer, let reason, let remoteAddress, let alert):
            metadata["viewer"] = "\(viewer.hex)"
            if !remoteAddress.isEmpty { metadata["remote_address"] = "\(remoteAddress)" }
            let ending = entry.ending ?? ViewerEnding(reason, alert: alert)
            logger.log(
                level: reason.isExpected ? .info : .warning, "Viewer closed: \(ending.words(udpPort: udpPort))", metadata: metadata)
        case .videoFormat(_, _, let format):
            metadata["format"] = "\(format.summary)"
            logger.info("Video format", metadata: metadata)
        case .streamActive:
            logger.info("Stream active", metadata: metadata)
        case .streamInactive: break
        case .streamRestarted:
            logger.info("Stream resumed after its sender changed or its timestamps jumped", metadata: metadata)
        case .streamHasOtherCodec(_, let encoding):
            metadata["rid"] = "\(entry.encoding?.rid ?? String(encoding))"
            let codec = entry.encoding?.codec.name ?? "the encoding's codec"
            logger.warning(
                "No key picture of \(codec) comes: another codec is sent to its port, or hardly ever a key picture. Configure what is sent",
                metadata: metadata)
        case .viewerSwitched(let viewer, _, let encoding, let reason):
            metadata["viewer"] = "\(viewer.hex)"
            metadata["reason"] = "\(reason?.rawValue ?? "other")"
            // With many viewers these are many lines. The counters have them all.
            if let encoding {
                let what = "\"\(entry.encoding?.rid ?? String(encoding))\""
                logger.debug("Viewer switched to \(what)\(reason.map { ": \($0.words)" } ?? "")", metadata: metadata)
                break
            }
            let verdict = soundAlone.note(entry.stream, now: .now)
            if verdict.repeated > 0 { metadata["repeated"] = "\(verdict.repeated)" }
            logger.log(
                level: verdict.isTold ? .info : .debug,
                "Viewer has sound alone for now: its link does not take the lowest encoding. Viewers with such links need one of a lower bit rate",
                metadata: metadata)
        case .streamHasBFrames:
            logger.warning("The video has B-frames, which browsers can't play: transcode it (force_transcode)", metadata: metadata)
        }
    }
}
