import Dispatch
import Synchronization

/// Threads for tasks that wait in calls that are not asynchronous. A task runs on them with `withTaskExecutorPreference`, or is begun with
/// `Task(executorPreference:)`; where it awaits it holds none of them.
package final class WaitingThreads: TaskExecutor {
    /// For calls of the engine, which wait until one of its threads has carried them out: a turn of its loop, as a rule, but for as long as a hook
    /// of the host's holds it up. As many callers as there are threads may wait at once.
    package static let engine = WaitingThreads(count: 16)

    private struct State {
        var jobs: [UnownedJob] = []
        /// How many of them have been taken.
        var taken = 0

        mutating func next() -> UnownedJob? {
            guard taken < jobs.count else { return nil }
            defer {
                taken += 1
                // Not one by one: each would move all that are left.
                if taken == jobs.count || taken >= 256 {
                    jobs.removeFirst(taken)
                    taken = 0
                }
            }
            return jobs[taken]
        }
    }

    private let state = Mutex(State())
    private let available = DispatchSemaphore(value: 0)

    /// The threads live as long as the process.
    package init(count: Int) {
        for _ in 0..<count { OwnThread.start { [self] in work() } }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        available.signal()
    }

    private func work() {
        while true {
            available.wait()
            guard let job = state.withLock({ $0.next() }) else { continue }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}

/// A value that takes a while to get, for callers that do not wait for it as long as it takes. All who ask meanwhile get the one that is on its
/// way: however long it takes, only one thread is held up by it.
package final class SharedReading<Value: Sendable>: Sendable {
    private final class Attempt: Sendable {
        let isDone = Signal()
        let value = Mutex<Value?>(nil)
    }

    private let current = Mutex<Attempt?>(nil)
    private let threads: WaitingThreads
    private let read: @Sendable () -> Value

    package init(on threads: WaitingThreads = .engine, _ read: @escaping @Sendable () -> Value) {
        self.threads = threads
        self.read = read
    }

    /// nil when the time is up.
    package func value(within limit: Duration) async -> Value? {
        let attempt = current.withLock { current in
            if let current { return current }
            let attempt = Attempt()
            current = attempt
            Task(executorPreference: threads) { self.carryOut(attempt) }
            return attempt
        }
        await attempt.isDone.wait(upTo: limit)
        return attempt.value.withLock { $0 }
    }

    private func carryOut(_ attempt: Attempt) {
        let value = read()
        attempt.value.withLock { $0 = value }
        current.withLock { $0 = nil }
        attempt.isDone.raise()
    }
}
