import Testing

@testable import Egress

@Suite struct EgressConfigurationTests {
    @Test func emptyJSONGivesTheDefaults() throws {
        #expect(try JSON.decode(EgressConfiguration.self, "{}") == EgressConfiguration())
        #expect(try JSON.decode(EgressConfiguration.self, "{\"colour\": \"blue\"}") == EgressConfiguration())
    }

    @Test func everyFieldSurvivesJSON() throws {
        var configuration = EgressConfiguration()
        configuration.isEnabled = false
        configuration.udpAddress = "192.0.2.7"
        configuration.udpPort = 4_000
        configuration.publicAddresses = ["198.51.100.1", "2001:db8::1"]
        configuration.iceServers = [ICEServer(urls: ["turn:turn.example:3478"], username: "u", credential: "c")]
        configuration.viewersPerStreamMax = 8
        configuration.viewersMax = 32
        configuration.streamsMax = 3
        configuration.workers = 2
        configuration.io = .epoll
        configuration.sourcePorts = 10_000...10_100
        configuration.sourceGrace = .milliseconds(1_500)
        configuration.burstBitRateMax = 1_000_000
        configuration.burstBitRateAllMax = 9_000_000
        configuration.limits.joinsPerAddress = RateLimit(perSecond: 0.5, burst: 3)
        let fields = Mirror(reflecting: configuration).children.map { "\($0.value)" }
        let defaults = Mirror(reflecting: EgressConfiguration()).children.map { "\($0.value)" }
        #expect(zip(fields, defaults).allSatisfy { $0 != $1 }, "a field is not covered by this test")
        #expect(try JSON.roundTrip(configuration) == configuration)
        let limits = try JSON.encode(configuration.limits)
        #expect(
            try JSON.encode(configuration) == """
                {"burst_bit_rate_all_max":9000000,"burst_bit_rate_max":1000000,"enabled":false,\
                "ice_servers":[{"credential":"c","urls":["turn:turn.example:3478"],"username":"u"}],\
                "io":"epoll","limits":\(limits),\
                "max_streams":3,"max_viewers":32,"max_viewers_per_stream":8,"public_ips":["198.51.100.1","2001:db8::1"],\
                "source_grace_seconds":1.5,"source_port_max":10100,"source_port_min":10000,"udp_address":"192.0.2.7",\
                "udp_port":4000,"workers":2}
                """)
    }

    @Test(arguments: [
        "{\"udp_port\": 70000}", "{\"source_port_min\": 5000}", "{\"source_port_max\": 5000}",
        "{\"source_port_min\": 5001, \"source_port_max\": 5000}", "{\"source_grace_seconds\": -1}", "{\"source_grace_seconds\": 1e30}",
        "{\"io\": \"select\"}",
    ])
    func jsonThatMeansNothingIsRefused(text: String) {
        #expect(throws: DecodingError.self) { try JSON.decode(EgressConfiguration.self, text) }
    }

    static let wrong: [(field: String, change: @Sendable (inout EgressConfiguration) -> Void)] = [
        ("udp_address", { $0.udpAddress = "localhost" }),
        ("public_ips", { $0.publicAddresses = ["192.0.2.1", "example.org"] }),
        ("ice_servers", { $0.iceServers = [ICEServer(urls: [])] }),
        ("max_viewers_per_stream", { $0.viewersPerStreamMax = 0 }),
        ("max_viewers", { $0.viewersMax = 65_537 }),
        ("max_streams", { $0.streamsMax = -1 }),
        ("workers", { $0.workers = 0 }),
        ("workers", { $0.workers = 33 }),
        ("burst_bit_rate_max", { $0.burstBitRateMax = 0 }),
        ("burst_bit_rate_all_max", { $0.burstBitRateAllMax = 0 }),
        ("limits.bit_rate", { $0.limits.bitRate = -1 }),
        ("source_port_min", { $0.sourcePorts = 0...10 }),
        ("source_port_max", { $0.sourcePorts = 5_000...5_000 }),
        ("source_grace_seconds", { $0.sourceGrace = .seconds(-1) }),
    ]

    @Test(arguments: wrong.indices) func validationNamesTheField(row: Int) {
        var configuration = EgressConfiguration()
        Self.wrong[row].change(&configuration)
        let error = failure { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.hasPrefix("webrtc: \(Self.wrong[row].field): ") == true)
    }

    @Test func theDefaultsAreValid() throws {
        try EgressConfiguration().validate()
    }

    @Test func answersNamePublicAddressesFirstThenTheBoundOneThenTheMachines() {
        var configuration = EgressConfiguration()
        configuration.udpAddress = "192.0.2.7"
        #expect(configuration.advertisedAddresses == ["192.0.2.7"])
        configuration.publicAddresses = ["198.51.100.1"]
        #expect(configuration.advertisedAddresses == ["198.51.100.1"])
        configuration.publicAddresses = []
        configuration.udpAddress = "0.0.0.0"
        #expect(configuration.advertisedAddresses == LocalAddresses.all().filter(IPAddress.isIPv4))
        configuration.udpAddress = "::"
        #expect(configuration.advertisedAddresses == LocalAddresses.all())
    }
}
