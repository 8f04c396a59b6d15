import Testing

@testable import Egress

@Suite struct ClientLimitsTests {
    @Test func emptyJSONGivesTheDefaults() throws {
        #expect(try JSON.decode(ClientLimits.self, "{}") == ClientLimits())
        #expect(try JSON.decode(ClientLimits.self, #"{"joins": null, "changes": {}}"#) == ClientLimits())
        try ClientLimits().validate()
    }

    @Test func everyFieldSurvivesJSON() throws {
        var limits = ClientLimits()
        limits.bitRate = 1_000_000_000
        limits.joins = RateLimit(perSecond: 1, burst: 1)
        limits.joinsPerStream = RateLimit(perSecond: 2, burst: 2)
        limits.joinsPerAddress = RateLimit(perSecond: 0.25, burst: 3)
        limits.changes = RateLimit(perSecond: 4, burst: 4)
        limits.changesPerAddress = RateLimit(perSecond: 5, burst: 5)
        limits.addressesMax = 6
        limits.connectingMax = 7
        limits.connectingPerAddressMax = 8
        limits.handshakesMax = 9
        limits.handshakesPerAddressMax = 10
        limits.handshakeTimeout = .milliseconds(1_500)
        limits.handshakeSizeMax = 5_000
        limits.offerSizeMax = 20_000
        limits.offerLinesMax = 600
        limits.offerSectionsMax = 3
        limits.offerCandidatesMax = 40
        let fields = Mirror(reflecting: limits).children.map { "\($0.value)" }
        let defaults = Mirror(reflecting: ClientLimits()).children.map { "\($0.value)" }
        #expect(zip(fields, defaults).allSatisfy { $0 != $1 }, "a field is not covered by this test")
        try limits.validate()
        #expect(try JSON.roundTrip(limits) == limits)
        #expect(
            try JSON.encode(limits) == """
                {"addresses":6,"bit_rate":1000000000,"changes":{"burst":4,"per_second":4},"changes_per_address":{"burst":5,"per_second":5},\
                "connecting":7,"connecting_per_address":8,"handshake_bytes":5000,"handshake_seconds":1.5,"handshakes":9,\
                "handshakes_per_address":10,"joins":{"burst":1,"per_second":1},"joins_per_address":{"burst":3,"per_second":0.25},\
                "joins_per_stream":{"burst":2,"per_second":2},"offer_bytes":20000,"offer_candidates":40,"offer_lines":600,"offer_sections":3}
                """)
    }

    @Test func whatARateDoesNotSayStays() throws {
        let limits = try JSON.decode(ClientLimits.self, #"{"joins": {"burst": 7}, "changes": {"per_second": 0}}"#)
        #expect(limits.joins == RateLimit(perSecond: 500, burst: 7))
        #expect(limits.changes == RateLimit(perSecond: 0, burst: 10_000))
    }

    static let wrong: [(field: String, change: @Sendable (inout ClientLimits) -> Void)] = [
        ("bit_rate", { $0.bitRate = -1 }),
        ("joins.per_second", { $0.joins.perSecond = -1 }),
        ("joins.per_second", { $0.joins.perSecond = .nan }),
        ("joins_per_stream.burst", { $0.joinsPerStream.burst = 0 }),
        ("joins_per_address.per_second", { $0.joinsPerAddress.perSecond = 1e-9 }),
        ("changes.per_second", { $0.changes.perSecond = 1e7 }),
        ("changes_per_address.burst", { $0.changesPerAddress.burst = 1_000_001 }),
        ("addresses", { $0.addressesMax = 0 }),
        ("connecting", { $0.connectingMax = 0 }),
        ("connecting_per_address", { $0.connectingPerAddressMax = 0 }),
        ("handshakes", { $0.handshakesMax = 65_537 }),
        ("handshakes_per_address", { $0.handshakesPerAddressMax = 0 }),
        ("handshake_seconds", { $0.handshakeTimeout = .milliseconds(999) }),
        ("handshake_bytes", { $0.handshakeSizeMax = 4_095 }),
        ("offer_bytes", { $0.offerSizeMax = WHEPHandler.bodySizeMax + 1 }),
        ("offer_lines", { $0.offerLinesMax = 1 }),
        ("offer_sections", { $0.offerSectionsMax = 1 }),
        ("offer_candidates", { $0.offerCandidatesMax = 0 }),
    ]

    @Test(arguments: wrong.indices) func validationNamesTheField(row: Int) {
        var limits = ClientLimits()
        Self.wrong[row].change(&limits)
        let error = failure { try limits.validate() }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.hasPrefix("webrtc: limits.\(Self.wrong[row].field): ") == true, "\(error?.message ?? "none")")
    }
}
