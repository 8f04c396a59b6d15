#if Server
import Egress
import Logging
import ServiceLifecycle
import Testing

@Suite struct ServiceGroupTests {
    @Test(.timeLimit(.minutes(1))) func anEngineInAServiceGroupEndsWhenTheGroupShutsDownGracefully() async throws {
        var configuration = EgressConfiguration()
        configuration.udpPort = 0
        configuration.io = .epoll
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let engine = try EgressEngine(configuration: configuration, logger: logger)
        let group = ServiceGroup(services: [engine], logger: logger)
        async let running: Void = group.run()
        await group.triggerGracefulShutdown()
        try await running
        #expect(engine.statistics() == EngineStatistics())
        #expect(throws: EgressError.self) {
            _ = try engine.onProcessStart(id: "a", config: ProcessConfig(webrtc: WebRTCConfig(isEnabled: true)))
        }
    }
}
#endif
