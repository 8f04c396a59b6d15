#if Server
internal import Egress
internal import ServiceLifecycle

/// All supervisors as one service, each a task that the board can end alone. On graceful shutdown each ends its FFmpeg and calls the stop hook,
/// side by side.
struct SupervisorService: Service {
    var supervisors: [StreamSupervisor]
    var board: SupervisionBoard

    func run() async throws {
        let tasks = supervisors.compactMap { supervisor in
            board.begin(supervisor.stream.id, on: supervisor.engine.threads) { await supervisor.run() }
        }
        // Not until the last of them has ended: a service that returns ends the server, and all streams may have been removed.
        try? await gracefulShutdown()
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}
#endif
