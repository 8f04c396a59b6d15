#if Server
internal import Egress
internal import ServiceLifecycle

/// All supervisors as one service, each a task that the board can end alone. On graceful shutdown all of them end their FFmpeg and call
/// the stop hook at the same time.
struct SupervisorService: Service {
    var supervisors: [StreamSupervisor]
    var board: SupervisionBoard

    func run() async throws {
        let tasks = supervisors.compactMap { supervisor in
            board.begin(supervisor.stream.id, on: supervisor.engine.threads) { await supervisor.run() }
        }
        // The service does not return when the last supervisor has ended: that would end the server, and all streams may have been removed.
        try? await gracefulShutdown()
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}
#endif
