import Synchronization

/// Something that happens once, and that any number of tasks can wait for.
final class OneShot: Sendable {
    private struct State {
        var isRaised = false
        var nextToken = 0
        var waiters: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    private let state = Mutex(State())

    /// Wakes all tasks that wait. Further calls have no effect. Never blocks, so the engine's thread may call it.
    func raise() {
        let waiters = state.withLock { state in
            state.isRaised = true
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.finish() }
    }

    var isRaised: Bool { state.withLock { $0.isRaised } }

    /// Returns when it is raised or the task is cancelled.
    func wait() async {
        let (raised, waiter) = AsyncStream.makeStream(of: Void.self)
        let token = state.withLock { state -> Int? in
            guard !state.isRaised else { return nil }
            state.nextToken += 1
            state.waiters[state.nextToken] = waiter
            return state.nextToken
        }
        guard let token else { return }
        for await _ in raised {}
        state.withLock { _ = $0.waiters.removeValue(forKey: token) }
    }

    /// Like ``wait()``, but for at most `limit`.
    func wait(upTo limit: Duration) async {
        guard limit > .zero else { return }
        await withTaskGroup { group in
            group.addTask { await self.wait() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }
}
