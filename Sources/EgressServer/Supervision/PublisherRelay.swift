#if Server
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import Synchronization

/// Keeps the port open that a publisher sends to: an FFmpeg listens, and passes the media on unchanged to a pipe of the server's.
///
/// A listener has one publisher at a time, and loses it when the listener ends. So neither the probe nor a run with other legs may be the listener:
/// ffprobe reads a sample that is written beside the pipe, and the FFmpeg with the legs reads the pipe. The server also keeps the pipe open for
/// reading, so that the publisher stays while nobody else reads.
///
/// Each run of the listener has one publisher, and the pipe ends with the run.
final class PublisherRelay: Sendable {
    /// A publisher that is connected.
    struct Publication: Sendable, Hashable {
        /// Numbers the publishers, one after the other.
        var number: Int
        var media: String
        /// A file with the publisher's first seconds.
        var sample: String
    }

    /// How much media has to have come before it is probed, and how long to wait for that when it comes slowly.
    static let sampleMin = Duration.seconds(1)
    static let sampleWait = Duration.seconds(2)
    private static let sampleSeconds = "3"
    private static let interval = Duration.milliseconds(100)
    /// Room for the media that comes while the sample is probed: a second or two of it.
    private static let pipeSize: Int32 = 1024 * 1024
    private static let setPipeSize: Int32 = 1031

    private struct State {
        var publication: Publication?
        var log = PublisherLog()
        var firstReport: ContinuousClock.Instant?
        var lastReport: ContinuousClock.Instant?
    }

    private let input: StreamInput
    private let ffmpeg: String
    private let logger: Logger
    private let secrets: Secrets
    private let report: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// - Parameter report: takes problems, which the board then shows.
    init(input: StreamInput, ffmpeg: String, logger: Logger, report: @escaping @Sendable (String) -> Void) {
        self.input = input
        self.ffmpeg = ffmpeg
        self.logger = logger
        self.report = report
        secrets = Secrets(of: input)
    }

    var current: Publication? { state.withLock { $0.publication } }

    /// Waits for a publisher. nil when the task is cancelled.
    func publication() async -> Publication? {
        while !Task.isCancelled {
            if let current { return current }
            try? await Task.sleep(for: Self.interval)
        }
        return nil
    }

    /// Listens until the task is cancelled, to one publisher after the other.
    func run() async {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)").path
        guard mkdir(directory, 0o700) == 0 else { return report("cannot listen: \(directory) cannot be created (errno \(errno))") }
        defer { try? FileManager.default.removeItem(atPath: directory) }
        // A stranger that connects and leaves must not keep the listener closed for long.
        var backoff = Backoff(from: .milliseconds(200), to: .seconds(2))
        var number = 0
        while !Task.isCancelled {
            number += 1
            let publication = Publication(number: number, media: "\(directory)/\(number).ts", sample: "\(directory)/\(number)-sample.ts")
            let hadPublisher = await listen(publication)
            if hadPublisher { backoff.reset() }
            try? await Task.sleep(for: backoff.delay())
        }
    }

    /// Listens until a publisher has come and gone, or was refused.
    /// - Returns: Whether there was a publisher.
    private func listen(_ publication: Publication) async -> Bool {
        guard mkfifo(publication.media, 0o600) == 0 else {
            report("cannot listen: a pipe cannot be created (errno \(errno))")
            return false
        }
        let pipe = open(publication.media, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard pipe >= 0 else {
            report("cannot listen: a pipe cannot be opened (errno \(errno))")
            unlink(publication.media)
            return false
        }
        _ = fcntl(pipe, Self.setPipeSize, Self.pipeSize)
        state.withLock { $0 = State(log: PublisherLog(of: input)) }
        let ending = await withTaskGroup(of: String?.self) { tasks in
            tasks.addTask { await self.runListener(publication) }
            tasks.addTask { await self.watch(publication) }
            let first = await tasks.next() ?? nil
            tasks.cancelAll()
            return first
        }
        let hadPublisher = state.withLock { state in
            defer { state.publication = nil }
            return state.publication != nil
        }
        // A reader that is about to open the pipe would otherwise wait for a writer for ever.
        let writer = open(publication.media, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        if writer >= 0 { close(writer) }
        close(pipe)
        unlink(publication.media)
        unlink(publication.sample)
        if Task.isCancelled { return hadPublisher }
        if hadPublisher { logger.info("The publisher is gone: waiting for the next one") } else if let ending { report(ending) }
        return hadPublisher
    }

    private func runListener(_ publication: Publication) async -> String? {
        let command = GuardedCommand(executable: ffmpeg, arguments: arguments(publication))
        do {
            let ending = try await ProcessRunner.run(command, onOutput: { _ in }, onError: { self.read($0) })
            let said = state.withLock { $0.log.lastComplaint }.map { ": \(secrets.mask($0))" } ?? ""
            return "nobody can publish yet: FFmpeg \(ending)\(said)"
        } catch {
            return "nobody can publish yet: FFmpeg could not be run: \(error)"
        }
    }

    /// Reports and complaints share one pipe, so that they come in order: a publisher's wrong name comes before the first report.
    func arguments(_ publication: Publication) -> [String] {
        let output = ["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-flush_packets", "1", "-pes_payload_size", "0", "-f", "mpegts", "-y"]
        return ["-nostdin", "-hide_banner", "-loglevel", PublisherLog(of: input).level, "-nostats", "-progress", "pipe:2"]
            + input.options + ["-i", input.url] + output + [publication.media] + ["-t", Self.sampleSeconds] + output + [publication.sample]
    }

    private func read(_ line: String) {
        let finding = state.withLock { state in
            let finding = state.log.read(line)
            if case .progress = finding {
                state.firstReport = state.firstReport ?? .now
                state.lastReport = .now
            }
            return finding
        }
        switch finding {
        case .refusal(let reason): logger.warning("A publisher was refused: \(secrets.mask(reason))")
        case .complaint(let text): logger.debug("FFmpeg, which listens: \(secrets.mask(text))")
        case .progress, .nothing: break
        }
    }

    /// Announces a publisher, and ends the run of a publisher that is refused or sends nothing any more.
    private func watch(_ publication: Publication) async -> String? {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let (log, first, last) = state.withLock { ($0.log, $0.firstReport, $0.lastReport) }
            if log.isRefused { return nil }
            guard let first, let last else { continue }
            if current == nil, log.position >= Self.sampleMin || log.position > .zero && ContinuousClock.now - first >= Self.sampleWait {
                state.withLock { $0.publication = publication }
                logger.info("A publisher has connected")
            }
            if input.staleTimeout > .zero, ContinuousClock.now - last >= input.staleTimeout {
                logger.warning("The publisher has sent nothing for \(input.staleTimeout), so it is disconnected")
                return nil
            }
        }
        return nil
    }
}
#endif
