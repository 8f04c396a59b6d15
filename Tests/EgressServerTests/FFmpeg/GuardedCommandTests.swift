#if Server
import Egress
import Foundation
import Synchronization
import Testing

@testable import EgressServer

@Suite struct GuardedCommandTests {
    func run(_ script: String, onOutput: @escaping @Sendable (String) async -> Void = { _ in }) async throws -> Ending {
        try await ProcessRunner.run(
            GuardedCommand(executable: "/bin/sh", arguments: ["-c", script]), onOutput: onOutput, onError: { _ in })
    }

    @Test(arguments: [("exit 0", Ending.exited(0)), ("exit 7", .exited(7)), ("kill -KILL $$", .killed(signal: 9))])
    func passesOnHowTheCommandEnded(script: String, ending: Ending) async throws {
        #expect(try await run(script) == ending)
    }

    @Test func handsOutBothOutputsLineByLine() async throws {
        let output = LineCollector()
        let errors = LineCollector()
        let command = GuardedCommand(executable: "/bin/sh", arguments: ["-c", "echo one; echo two >&2; echo three"])
        _ = try await ProcessRunner.run(
            command, onOutput: { output.append($0) }, onError: { errors.append($0) })
        #expect(output.all == ["one", "three"])
        #expect(errors.all == ["two"])
    }

    @Test func passesArgumentsUnchanged() async throws {
        let lines = await Tool.output(of: "/usr/bin/printf", ["%s\\n", "a b", "$HOME", "'\"", "*"])
        #expect(lines == ["a b", "$HOME", "'\"", "*"])
    }

    /// It closes its outputs a moment before it exits, as `printf` and `echo` of coreutils do.
    @Test func leavesACommandTimeToExitOnceItsOutputsAreClosed() async throws {
        #expect(try await run("exec >&- 2>&-; sleep 0.1; exit 3") == .exited(3))
    }

    @Test func givesTheCommandNoInput() async {
        #expect(await Tool.output(of: "/bin/cat", []) == [])
    }

    @Test func endsTheCommandWhenTheTaskIsCancelled() async throws {
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        let task = Task {
            try await run("echo $$; exec sleep 60") { continuation.yield($0) }
        }
        let process = try #require(await lines.first { _ in true }.flatMap { pid_t($0) })
        task.cancel()
        _ = await task.result
        #expect(kill(process, 0) == -1)
    }

    @Test func killsACommandThatDoesNotListen() async throws {
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        let task = Task {
            try await run("trap '' TERM; echo ready; while :; do sleep 1; done") { continuation.yield($0) }
        }
        _ = await lines.first { _ in true }
        let start = ContinuousClock.now
        task.cancel()
        _ = await task.result
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    /// Its pipe would stay open and full, and the command stand still for good.
    @Test(arguments: [">&1", ">&2"]) func readsOnBehindALineThatNeverEnds(output: String) async throws {
        let ending = try await run("head -c 3000000 /dev/zero | tr '\\0' x \(output); exit 7")
        #expect(ending == .exited(7))
    }

    /// Two million lines: without a bound each of them would be handed out.
    @Test func handsOutAFewLinesOfAFlood() async throws {
        let lines = LineCollector()
        let command = GuardedCommand(executable: "/bin/sh", arguments: ["-c", "yes flood | head -n 2000000 >&2; echo done >&2; exit 3"])
        let start = ContinuousClock.now
        let ending = try await ProcessRunner.run(command, onOutput: { _ in }, onError: { lines.append($0) })
        #expect(ending == .exited(3))
        #expect(lines.all.last == "done")
        let seconds = Int(saturating: (ContinuousClock.now - start) / .seconds(1))
        #expect(lines.all.count <= (LineSplitter.linesMax + LineSplitter.tailLinesMax + 2) * (seconds + 2))
        #expect(lines.all.contains { $0.contains("of a flood") })
    }

    /// What happens when this process is killed.
    @Test func endsTheCommandWhenThePipeCloses() async throws {
        let command = GuardedCommand(executable: "/bin/sleep", arguments: ["60"])
        // The status of a pipeline is that of its last command.
        #expect(try await run(": | \(quoted(command))") == .exited(128 + SIGTERM))
    }

    @Test func leavesTheCommandAloneWhileThePipeIsOpen() async throws {
        let command = GuardedCommand(executable: "/bin/sleep", arguments: ["0.3"])
        #expect(try await run("sleep 1 | \(quoted(command))") == .exited(0))
    }

    @Test func leavesNoGuardBehindWhenTheCommandHasEnded() async throws {
        let name = UUID().uuidString
        #expect(await Tool.output(of: "/bin/echo", [name]) == [name])
        let end = ContinuousClock.now + .seconds(10)
        while isAlive(name), ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(10)) }
        #expect(!isAlive(name))
    }

    /// Whether a process has the text in its command line; a guard has that of the shell it comes from.
    private func isAlive(_ text: String) -> Bool {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.contains { process in
            Int(process) != nil && FileManager.default.contents(atPath: "/proc/\(process)/cmdline")?.firstRange(of: Data(text.utf8)) != nil
        }
    }

    /// Our death in the middle of a shutdown: the whole group has had its SIGTERM already, and the command did not listen.
    @Test func killsADeafCommandWhenThePipeClosesAfterTheFirstSignal() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let command = GuardedCommand(
            executable: "/bin/sh", arguments: ["-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"])
        let script = """
            cd '\(directory.path)'; mkfifo pipe
            setsid \(quoted(command)) <pipe >ready 2>/dev/null &
            exec 7>pipe
            until [ -s ready ]; do sleep 0.05; done
            kill -TERM -$!
            exec 7>&-
            wait $!
            exit $?
            """
        #expect(try await run(script) == .exited(128 + SIGKILL))
    }

    /// For a line of a shell script.
    private func quoted(_ command: GuardedCommand) -> String {
        let words = [GuardedCommand.shell] + command.shellArguments
        return words.map { "'" + $0.replacing("'", with: #"'\''"#) + "'" }.joined(separator: " ")
    }
}
#endif
