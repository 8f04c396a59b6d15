import Logging

/// Writes the engine's events to the log, and hands them on, from a task of its own, because the engine's threads have better things to do than
/// to wait for a log file. Lines beyond the buffer are left out; the counters of ``EngineStatistics`` have them all.
struct EventLog: Sendable {
    struct Entry: Sendable {
        let event: EngineEvent
        let stream: String
        let session: String?
    }

    private static let entriesMax = 16_384

    private let continuation: AsyncStream<Entry>.Continuation
    private let entries: AsyncStream<Entry>

    init() {
        (entries, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.entriesMax))
    }

    /// From any of the engine's threads.
    func record(_ entry: Entry) { continuation.yield(entry) }

    /// Lets the writer end after what is buffered.
    func finish() { continuation.finish() }

    func start(logger: Logger, udpPort: UInt16, receive: @escaping @Sendable (Entry) -> Void) {
        let entries = entries
        Task {
            for await entry in entries {
                Self.write(entry, to: logger, udpPort: udpPort)
                receive(entry)
            }
        }
    }

    private static func write(_ entry: Entry, to logger: Logger, udpPort: UInt16) {
        var metadata: Logger.Metadata = ["id": "\(entry.stream)"]
        switch entry.event {
        case .viewerConnected(let viewer, let remoteAddress):
            metadata["viewer"] = "\(viewer.hex)"
            metadata["remote_address"] = "\(remoteAddress)"
            logger.info("Viewer connected", metadata: metadata)
        case .viewerClosed(let viewer, let reason, let remoteAddress):
            metadata["viewer"] = "\(viewer.hex)"
            if !remoteAddress.isEmpty { metadata["remote_address"] = "\(remoteAddress)" }
            logger.log(
                level: reason.isExpected ? .info : .warning, "Viewer closed: \(reason.words(udpPort: udpPort))", metadata: metadata)
        case .videoFormat(_, let format):
            metadata["format"] = "\(format.codecName), level \(format.level), \(format.width)x\(format.height)"
            logger.info("Video format", metadata: metadata)
        case .streamActive:
            logger.info("Stream active", metadata: metadata)
        case .streamInactive:
            logger.info("Stream inactive: its source said goodbye or fell silent", metadata: metadata)
        case .streamRestarted:
            logger.info("Stream goes on: with another sender, or behind a jump of its timestamps", metadata: metadata)
        case .streamHasBFrames:
            logger.warning("The video has B-frames, which browsers can't play: transcode it (force_transcode)", metadata: metadata)
        }
    }
}
