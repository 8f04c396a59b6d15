#if Server
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import Synchronization

/// Keeps the place that a publisher sends to: an FFmpeg that listens, and passes on what comes, as it is, to a pipe of ours.
///
/// Who listens has one publisher at a time, and loses it when it ends. So neither the look at the input nor a run with other legs may be the one
/// that listens: ffprobe looks at a sample that is written beside the pipe, and the FFmpeg with the legs reads the pipe. We keep the pipe open for
/// reading ourselves, so that the publisher stays while nobody else reads.
///
/// One publisher is one run of the listener: the pipe ends with it.
final class PublisherRelay: Sendable {
    /// A publisher that is there.
    struct Publication: Sendable, Hashable {
        /// Which of several, one after the other.
        var number: Int
        var media: String
        /// Its first seconds, in a file.
        var sample: String
    }

    /// Media that has to have come before it is looked at; and how long to wait for that when it comes slowly.
    static let sampleMin = Duration.seconds(1)
    static let sampleWait = Duration.seconds(2)
    private static let sampleSeconds = "3"
    private static let interval = Duration.milliseconds(100)
    /// What is on its way while the media is looked at: a second or two of it.
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

    /// - Parameter report: takes problems, for those who watch the board.
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
        guard mkdir(directory, 0o700) == 0 else { return report("cannot listen: \(directory) cannot be made (errno \(errno))") }
        defer { try? FileManager.default.removeItem(atPath: directory) }
        // A stranger who comes and goes must not make it deaf for long.
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

    /// Until a publisher has come and gone, or was refused.
    /// - Returns: Whether there was one.
    private func listen(_ publication: Publication) async -> Bool {
        guard mkfifo(publication.media, 0o600) == 0 else {
            report("cannot listen: a pipe cannot be made (errno \(errno))")
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
        // One who is about to open the pipe would wait for a writer for ever.
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

    /// Reports and complaints share one pipe, so that they come in order: who publishes under a wrong name is told before the first report.
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
        case .complaint(let text): logger.debug("FFmpeg, listening: \(secrets.mask(text))")
        case .progress, .nothing: break
        }
    }

    /// Says that a publisher is there; ends the run of one that is not to be, or sends no more.
    private func watch(_ publication: Publication) async -> String? {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let (log, first, last) = state.withLock { ($0.log, $0.firstReport, $0.lastReport) }
            if log.isRefused { return nil }
            guard let first, let last else { continue }
            if current == nil, log.position >= Self.sampleMin || log.position > .zero && ContinuousClock.now - first >= Self.sampleWait {
                state.withLock { $0.publication = publication }
                logger.info("A publisher has come")
            }
            if input.staleTimeout > .zero, ContinuousClock.now - last >= input.staleTimeout {
                logger.warning("The publisher has sent nothing for \(input.staleTimeout): it is let go")
                return nil
            }
        }
        return nil
    }
}
#endif
