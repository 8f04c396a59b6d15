#if Server
internal import ServiceLifecycle

/// All supervisors as one service. On graceful shutdown each ends its FFmpeg and calls the stop hook, side by side.
struct SupervisorService: Service {
    var supervisors: [StreamSupervisor]

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for supervisor in supervisors { group.addTask { await supervisor.run() } }
            }
        }
    }
}
#endif
