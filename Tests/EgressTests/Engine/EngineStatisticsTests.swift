import Testing

@testable import Egress

@Suite struct EngineStatisticsTests {
    @Test func everyCounterIsInJSON() throws {
        let statistics = EngineStatistics()
        let fields = try JSON.encode(statistics).split(separator: ",")
        #expect(fields.count == Mirror(reflecting: statistics).children.count, "a counter is missing in CodingKeys")
    }
}
