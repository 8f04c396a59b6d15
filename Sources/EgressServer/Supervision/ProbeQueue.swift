#if Server
internal import Egress

/// Lets all supervisors probe their inputs in the order of one ``ProbeSchedule``.
actor ProbeQueue {
    private var schedule: ProbeSchedule
    private var waiters: [ProbeSchedule.Ticket: CheckedContinuation<Bool, Never>] = [:]
    private var lastTicket: ProbeSchedule.Ticket = 0
    private var alarm: Task<Void, Never>?

    init(limits: ProbeSchedule.Limits) { schedule = ProbeSchedule(limits: limits) }

    /// Waits for its turn, and runs `probe` then.
    /// - Parameter failures: how often the probe of this input has failed in a row.
    /// - Throws: what `probe` throws; `CancellationError` when the task is cancelled while it waits.
    func run<Value: Sendable>(failures: Int, _ probe: @Sendable () async throws -> Value) async throws -> Value {
        lastTicket += 1
        let ticket = lastTicket
        defer {
            schedule.leave(ticket)
            begin()
        }
        let mayBegin = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                waiters[ticket] = waiter
                schedule.ask(ticket, failures: failures)
                // The task was cancelled before the waiter existed, so the handler has found none.
                if Task.isCancelled { end(ticket) } else { begin() }
            }
        } onCancel: {
            Task { await end(ticket) }
        }
        guard mayBegin else { throw CancellationError() }
        return try await probe()
    }

    private func end(_ ticket: ProbeSchedule.Ticket) { waiters.removeValue(forKey: ticket)?.resume(returning: false) }

    private func begin() {
        let now = ContinuousClock.now
        for ticket in schedule.due(now: now) { waiters.removeValue(forKey: ticket)?.resume(returning: true) }
        alarm?.cancel()
        alarm = nil
        guard let next = schedule.nextDue(now: now) else { return }
        alarm = Task { [weak self] in
            guard (try? await Task.sleep(until: next, clock: .continuous)) != nil else { return }
            await self?.begin()
        }
    }
}
#endif
