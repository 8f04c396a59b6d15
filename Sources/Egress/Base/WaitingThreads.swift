import Dispatch
import Synchronization

/// Threads for tasks that wait in synchronous calls. A task runs on them with `withTaskExecutorPreference`, or is started with
/// `Task(executorPreference:)`; while it awaits it holds no thread. Threads are started as they are needed, and end when they have had nothing to
/// do for a while, so an owner that is gone leaves none behind.
package final class WaitingThreads: TaskExecutor {
    private static let idleMax = DispatchTimeInterval.seconds(2)

    private struct State {
        var jobs: [UnownedJob] = []
        /// How many of the jobs have been taken.
        var taken = 0
        /// Threads that have started and not ended.
        var threads = 0
        /// Threads that wait for a job and have not been called to one.
        var idle = 0

        mutating func next() -> UnownedJob? {
            guard taken < jobs.count else { return nil }
            defer {
                taken += 1
                // Taken jobs are removed together: removing them one by one would move all the others each time.
                if taken == jobs.count || taken >= 256 {
                    jobs.removeFirst(taken)
                    taken = 0
                }
            }
            return jobs[taken]
        }
    }

    private enum Call {
        case none, idleThread, newThread
    }

    private let count: Int
    private let state = Mutex(State())
    private let called = DispatchSemaphore(value: 0)

    /// - Parameter count: how many threads there may be at once, and so how many calls can wait.
    package init(count: Int) {
        precondition(count > 0)
        self.count = count
    }

    /// At this moment.
    var threadCount: Int { state.withLock { $0.threads } }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let call = state.withLock { state -> Call in
            state.jobs.append(job)
            if state.idle > 0 {
                state.idle -= 1
                return .idleThread
            }
            guard state.threads < count else { return .none }
            state.threads += 1
            return .newThread
        }
        switch call {
        case .none: break
        case .idleThread: called.signal()
        case .newThread: if !OwnThread.start({ [self] in work() }) { doWithout() }
        }
    }

    /// The system gives no further thread. Threads that have started do the work; without any, one of Swift's own threads does, and may wait.
    private func doWithout() {
        let isAlone = state.withLock { state in
            state.threads -= 1
            return state.threads == 0
        }
        guard isAlone else { return }
        Task.detached {
            while let job = self.state.withLock({ $0.next() }) { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    private func work() {
        while true {
            let job = state.withLock { state in
                let job = state.next()
                if job == nil { state.idle += 1 }
                return job
            }
            if let job {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if called.wait(timeout: .now() + Self.idleMax) == .timedOut, hasEnded() {
                return
            }
        }
    }

    /// Whether a thread that has been idle for so long ends. It does not when all idle threads have been called to jobs by now: it is one of them.
    private func hasEnded() -> Bool {
        let hasEnded = state.withLock { state in
            guard state.idle > 0 else { return false }
            state.idle -= 1
            state.threads -= 1
            return true
        }
        if !hasEnded { called.wait() }
        return hasEnded
    }
}

/// A value that takes a while to get, for callers that wait for it only so long. All callers that ask meanwhile get the value that is on its
/// way: however long it takes, it holds up only one thread.
package final class SharedReading<Value: Sendable>: Sendable {
    private final class Attempt: Sendable {
        let isDone = OneShot()
        let value = Mutex<Value?>(nil)
    }

    private let current = Mutex<Attempt?>(nil)
    private let threads: WaitingThreads
    private let read: @Sendable () -> Value

    package init(on threads: WaitingThreads, _ read: @escaping @Sendable () -> Value) {
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
