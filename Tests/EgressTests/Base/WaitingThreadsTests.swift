import Dispatch
import Synchronization
import Testing

@testable import Egress

@Suite struct WaitingThreadsTests {
    /// As many calls wait as the machine has threads for Swift's tasks, and more: tasks go on all the same.
    @Test func tasksGoOnWhileAllThreadsThatMayWaitDoSo() async {
        let threads = WaitingThreads(count: 8)
        let gate = DispatchSemaphore(value: 0)
        let waiting = (0..<32).map { _ in Task(executorPreference: threads) { Self.hold(gate) } }
        for number in 0..<100 { #expect(await Task { number }.value == number) }
        for _ in waiting { gate.signal() }
        for task in waiting { await task.value }
    }

    private final class Order: Sendable {
        private let numbers = Mutex<[Int]>([])

        func add(_ number: Int) { numbers.withLock { $0.append(number) } }

        var all: [Int] { numbers.withLock { $0 } }
    }

    private static func hold(_ gate: DispatchSemaphore) { gate.wait() }

    @Test func whoAsksForAReadingDoesNotWaitLongerThanItLikesAndHoldsUpOneThreadOnly() async {
        let gate = DispatchSemaphore(value: 0)
        let threads = WaitingThreads(count: 2)
        let reading = SharedReading(on: threads) {
            gate.wait()
            return 7
        }
        for _ in 0..<5 { #expect(await reading.value(within: .milliseconds(1)) == nil) }
        // The other thread is free.
        await Task(executorPreference: threads) {}.value
        async let value = reading.value(within: .seconds(60))
        gate.signal()
        gate.signal()
        #expect(await value == 7)
    }

    /// None stays behind when its owner has gone, and none is there before it is needed.
    @Test func threadsComeWithTheWorkAndGoAfterIt() async throws {
        let threads = WaitingThreads(count: 64)
        #expect(threads.threadCount == 0)
        let gate = DispatchSemaphore(value: 0)
        let tasks = (0..<40).map { _ in Task(executorPreference: threads) { Self.hold(gate) } }
        #expect(await eventually { threads.threadCount == 40 })
        for _ in tasks { gate.signal() }
        for task in tasks { await task.value }
        // They go after 2 s without work; one that is called on in that very moment works on.
        for _ in 0..<40 {
            await Task(executorPreference: threads) {}.value
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(await eventually(within: .seconds(60)) { threads.threadCount == 0 })
        await Task(executorPreference: threads) {}.value
        #expect(threads.threadCount == 1)
    }

    @Test func jobsRunInTheOrderInWhichTheyCame() async {
        let threads = WaitingThreads(count: 1)
        let order = Order()
        let gate = DispatchSemaphore(value: 0)
        let first = Task(executorPreference: threads) { Self.hold(gate) }
        let tasks = (0..<1_000).map { number in Task(executorPreference: threads) { order.add(number) } }
        gate.signal()
        await first.value
        for task in tasks { await task.value }
        #expect(order.all == Array(0..<1_000))
    }
}
