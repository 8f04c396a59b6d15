import Dispatch
import HTTPTypes
import Synchronization
import Testing

@testable import Egress

extension WithEngine {
    @Suite(.serialized) struct StalledEngineTests {
        private final class Hold: Sendable {
            private let flag = Atomic(false)

            /// True once.
            func begin() -> Bool { !flag.exchange(true, ordering: .sequentiallyConsistent) }

            var hasBegun: Bool { flag.load(ordering: .sequentiallyConsistent) }
        }

        /// A host's hook, or a machine, holds up the engine's thread; requests come, more than there are threads of Swift's.
        @Test(.timeLimit(.minutes(1))) func requestsThatWaitForTheEngineHoldUpNoOtherTask() async throws {
            let gate = DispatchSemaphore(value: 0)
            let hold = Hold()
            var configuration = EgressConfiguration()
            configuration.udpPort = 0
            configuration.workers = 1
            configuration.publicAddresses = ["192.0.2.1"]
            let observe: @Sendable (EngineEvent) -> Void = { event in
                guard case .streamActive = event, hold.begin() else { return }
                gate.wait()
            }
            let engine = try EgressEngine(configuration: configuration, logger: Engines.silent, now: { 0 }, observe: observe)
            _ = try engine.onProcessStart(id: "show", config: Engines.enabled)
            let sender = RTPSender(port: try #require(engine.stream(named: "show")).videoPort)
            for _ in 0..<5 { sender.sendIDR(SPS.write()) }
            try #require(await eventually { hold.hasBegun })

            let handler = WHEPHandler(engine: engine, logger: Engines.silent)
            let request = WHEPHandlerTests.request(.post, "/whep/show", BrowserOffer.chromium)
            let answers = (0..<64).map { _ in Task { await handler.handle(request).head.status } }
            for number in 0..<1_000 { #expect(await Task { number }.value == number) }
            #expect(await SharedReading(on: engine.threads) { engine.statistics() }.value(within: .milliseconds(50)) == nil)

            gate.signal()
            for answer in answers { #expect(await answer.value != .internalServerError) }
            #expect(await SharedReading(on: engine.threads) { engine.statistics() }.value(within: .seconds(30)) != nil)
        }
    }
}
