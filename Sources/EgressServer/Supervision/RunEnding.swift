#if Server
internal import Egress

/// How a run of FFmpeg ended.
enum RunEnding: Sendable, CustomStringConvertible {
    case byItself(Ending)
    case failure(String)
    /// FFmpeg was ended.
    case objection(RunWatch.Objection)

    var description: String {
        switch self {
        case .byItself(let ending): "FFmpeg \(ending)"
        case .failure(let reason): "FFmpeg could not be run: \(reason)"
        case .objection(.standstill(let finding)): "\(finding). FFmpeg was ended"
        case .objection(.flaw(let flaw)): "FFmpeg was ended, since the video cannot be copied: \(flaw.reason)"
        case .objection(.newTrack(let leg)): "the input has \(leg.rawValue) now. FFmpeg was ended"
        case .objection(.dry): "segments came later than they were due. FFmpeg was ended"
        }
    }
}

extension RunWatch {
    /// Runs the command and returns when the process has ended, by itself or because there was a reason to end it. A process that is stopped
    /// (SIGSTOP) gets SIGTERM only later, but SIGKILL ends it.
    func follow(_ command: GuardedCommand) async -> RunEnding {
        await withTaskGroup(of: RunEnding?.self) { tasks in
            tasks.addTask {
                do {
                    let ending = try await ProcessRunner.run(
                        command, onOutput: { self.read(line: $0) }, onError: { self.read(complaint: $0) })
                    return .byItself(ending)
                } catch {
                    return .failure("\(error)")
                }
            }
            tasks.addTask { await self.objection().map(RunEnding.objection) }
            var first: RunEnding?
            for await case let ending? in tasks where first == nil {
                first = ending
                tasks.cancelAll()
            }
            return first ?? .failure("it was cancelled")
        }
    }
}
#endif
