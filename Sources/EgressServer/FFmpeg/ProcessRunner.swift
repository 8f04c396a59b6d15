#if Server
internal import Subprocess
internal import SystemPackage

/// Runs a command to its end and hands out what it writes, line by line.
enum ProcessRunner {
    enum Verdict: Sendable {
        case goOn
        /// Ends the process in an orderly way.
        case end
    }

    /// SIGTERM, and 2 s later SIGKILL, to the process and to the guard beside it.
    private static let teardown = [TeardownStep.send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2))]

    /// Returns when the process has ended. When the task is cancelled the process is ended first: nothing outlives the call.
    ///
    /// - Returns: How it ended, "exited with status 1".
    static func run(
        _ command: GuardedCommand,
        onOutput: @escaping @Sendable (String) async -> Verdict,
        onError: @escaping @Sendable (String) async -> Void
    ) async throws -> Ending {
        var options = PlatformOptions()
        // A session of its own: Ctrl-C in a terminal reaches us only, and we end it in order.
        options.createSession = true
        options.teardownSequence = teardown
        let result = try await Subprocess.run(
            .path(FilePath(GuardedCommand.shell)),
            arguments: Arguments(command.shellArguments),
            platformOptions: options,
            // Nothing is written: that the pipe is open is what the guard waits at.
            input: .inputWriter,
            output: .sequence,
            error: .sequence
        ) { execution in
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    // A line that cannot be read ends the reading, not the process: it ends by itself when its pipe is closed.
                    guard let lines = try? await Self.read(execution.standardOutput, with: onOutput), lines == .end else { return }
                    await execution.teardown(using: Self.teardown)
                }
                group.addTask { try? await Self.read(execution.standardError, with: onError) }
                await group.waitForAll()
            }
        }
        return Ending(result.terminationStatus)
    }

    private static func read(_ output: SubprocessOutputSequence, with handler: (String) async -> Verdict) async throws -> Verdict {
        for try await line in output.strings() where await handler(line) == .end { return .end }
        return .goOn
    }

    private static func read(_ output: SubprocessOutputSequence, with handler: (String) async -> Void) async throws {
        for try await line in output.strings() { await handler(line) }
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
