#if Server
import Glibc
import Synchronization
import Testing

@testable import EgressServer

@Suite struct DescriptorsTests {
    /// A process of which so many descriptors are open.
    private final class Process: Sendable {
        let open: Mutex<Int>
        let shortages = Mutex(0)
        let limit: Int

        init(limit: Int, open: Int) {
            self.limit = limit
            self.open = Mutex(open)
        }

        func descriptors() -> Descriptors {
            Descriptors(
                limit: limit, used: { self.open.withLock { $0 } }, canOpen: { count in self.open.withLock { $0 } + count <= self.limit })
        }
    }

    private let now = ContinuousClock.now

    @Test func whatIsClaimedAndNotYetOpenIsPromisedToNobodyElse() throws {
        let process = Process(limit: 50, open: 20)
        let descriptors = process.descriptors()
        descriptors.reserve(streams: 1, threads: 1) { process.shortages.withLock { $0 += 1 } }
        let first = try descriptors.claim(12)
        let second = try descriptors.claim(12)
        #expect(throws: Descriptors.Shortage.self) { try descriptors.claim(12) }
        #expect(process.shortages.withLock { $0 } == 1)
        first.end()
        first.end()
        let third = try descriptors.claim(12)
        #expect(throws: Descriptors.Shortage.self) { try descriptors.claim(12) }
        second.end()
        third.end()
    }

    @Test func aClaimThatIsForgottenIsGivenBack() throws {
        let descriptors = Process(limit: 50, open: 20).descriptors()
        for _ in 0..<10 { _ = try descriptors.claim(30) }
    }

    @Test func connectionsGetWhatTheServersOwnWorkLeaves() {
        let process = Process(limit: 256, open: 40)
        let descriptors = process.descriptors()
        descriptors.reserve(streams: 2, threads: 2) {}
        let room = descriptors.connectionRoom(connections: 0, now: now)
        // 40 that are open, 6 of HTTP's threads, two streams, two children at once, and some to spare.
        #expect(room == 256 - 40 - 6 - 2 * 9 - 2 * 12 - 16)
        // Connections take nothing from connections.
        process.open.withLock { $0 += 100 }
        #expect(descriptors.connectionRoom(connections: 100, now: now + .seconds(1)) == room)
        // What the reserve was for doesn't either, and what comes on top of it does.
        process.open.withLock { $0 += 20 }
        #expect(descriptors.connectionRoom(connections: 100, now: now + .seconds(2)) == room)
        process.open.withLock { $0 += 20 }
        #expect(descriptors.connectionRoom(connections: 100, now: now + .seconds(3)) == room - 16)
    }

    @Test func aProcessThatCannotEvenLookHasNoRoom() {
        let descriptors = Descriptors(limit: 256, used: { nil }, canOpen: { _ in false })
        #expect(descriptors.connectionRoom(connections: 100, now: now) < 100)
    }

    @Test func aLimitThatIsTooLowToRunIsAnErrorThatSaysWhatIsNeeded() throws {
        let low = Process(limit: 60, open: 10).descriptors()
        let error = #expect(throws: Descriptors.ConfigurationShortage.self) { try low.check(streams: 3, threads: 2) }
        #expect(error?.description.contains("is 60, and this server needs") == true)
        try Process(limit: 256, open: 10).descriptors().check(streams: 3, threads: 2)
    }

    /// Without that the process library traps, with only some of its pipes made.
    @Test(arguments: [1, 3, 5, 8]) func aChildIsNotMadeWhereThereAreTooFewForIt(left: Int) async throws {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        _ = Descriptors.process
        var limit = rlimit()
        #expect(getrlimit(resource, &limit) == 0)
        let before = limit
        defer {
            var before = before
            setrlimit(resource, &before)
        }
        // The lowest number that is free is the next one: what is open above it doesn't matter.
        limit.rlim_cur = rlim_t(try #require(OpenFiles.count()) + left)
        #expect(setrlimit(resource, &limit) == 0)
        await #expect(throws: Descriptors.Shortage.self) {
            _ = try await ProcessRunner.run(
                GuardedCommand(executable: "/bin/true", arguments: []), onOutput: { _ in }, onError: { _ in })
        }
    }

    @Test func openFilesAreCounted() throws {
        let before = try #require(OpenFiles.count())
        #expect(before > 2)
        #expect(OpenFiles.canOpen(20))
        #expect(try #require(OpenFiles.count()) < before + 20)
    }
}
#endif
