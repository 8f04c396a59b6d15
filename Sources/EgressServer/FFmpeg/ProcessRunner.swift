#if Server
internal import Subprocess
internal import SystemPackage

/// Runs a command to its end and hands on what it writes, line by line.
enum ProcessRunner {
    /// SIGTERM, and 2 s later SIGKILL, to the process and to the guard beside it.
    private static let teardown = [TeardownStep.send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2))]

    /// With a pipe of 64 KiB this pause lets 6 MB/s through.
    private static let pauseOfFlood = Duration.milliseconds(10)

    /// Returns when the process has ended. When the task is cancelled the process is ended first: nothing outlives the call.
    ///
    /// - Parameter volume: how much of its output to keep. ``LineSplitter/Volume/everything`` is for a process that ends soon.
    /// - Returns: How it ended, for example "exited with status 1".
    /// - Throws: ``Descriptors/Shortage`` when there are too few descriptors to make the process.
    static func run(
        _ command: GuardedCommand,
        volume: LineSplitter.Volume = .bounded,
        onOutput: @escaping @Sendable (String) async -> Void,
        onError: @escaping @Sendable (String) async -> Void
    ) async throws -> Ending {
        let claim = try Descriptors.process.claim(Descriptors.ofChild)
        defer { claim.end() }
        var options = PlatformOptions()
        // The process gets a session of its own: Ctrl-C in a terminal then reaches only this process, which ends the other in order.
        options.createSession = true
        options.teardownSequence = teardown
        let result = try await Subprocess.run(
            .path(FilePath(GuardedCommand.shell)),
            arguments: Arguments(command.shellArguments),
            platformOptions: options,
            // Nothing is written to the pipe: the guard waits for it to close.
            input: .inputWriter,
            output: .sequence,
            error: .sequence
        ) { execution in
            claim.end()
            await withTaskGroup(of: Void.self) { group in
                // A read error ends the reading, not the process: that ends by itself when its pipe is closed.
                group.addTask { try? await Self.read(execution.standardOutput, volume, with: onOutput) }
                group.addTask { try? await Self.read(execution.standardError, .bounded, with: onError) }
                await group.waitForAll()
            }
        }
        return Ending(result.terminationStatus)
    }

    /// A process that floods is read with pauses, which are too short to slow down its other work. It is always read to its end: a process whose
    /// pipe is full would hang.
    private static func read(
        _ output: SubprocessOutputSequence, _ volume: LineSplitter.Volume, with handler: (String) async -> Void
    ) async throws {
        var splitter = LineSplitter(volume)
        for try await chunk in output {
            for line in chunk.withUnsafeBytes({ splitter.take($0, now: .now) }) { await handler(line) }
            if splitter.isFlooded { try? await Task.sleep(for: pauseOfFlood) }
        }
        for line in splitter.finish() { await handler(line) }
    }
}

/// How a process ended.
enum Ending: Sendable, Hashable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)

    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .exited(code)
        case .signaled(let signal): self = .killed(signal: signal)
        }
    }

    var isSuccess: Bool { self == .exited(0) }

    var description: String {
        switch self {
        case .exited(let code): "exited with status \(code)"
        case .killed(let signal): "was ended by signal \(signal)"
        }
    }
}
#endif
