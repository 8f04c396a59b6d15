import Testing

@testable import Egress

@Suite struct ICECandidateTests {
    @Test func prioritiesFallFromTheFirstOn() {
        let candidates = ICECandidate.list(["192.0.2.1", "192.0.2.2", "::1"], port: 1_000)
        // RFC 8445 §5.1.2.1: 2^24 * 126 + 2^8 * 65535 + 255.
        #expect(candidates.map(\.priority) == [2_130_706_431, 2_130_706_175, 2_130_705_919])
        #expect(candidates.map(\.attribute)[1] == "2 1 udp 2130706175 192.0.2.2 1000 typ host")
    }

    @Test func anAddressIsNamedOnceAndThereIsALimit() {
        #expect(ICECandidate.list(["192.0.2.1", "192.0.2.1"], port: 1).count == 1)
        #expect(ICECandidate.list((0..<200).map { "192.0.2.\($0)" }, port: 1).count == 64)
        #expect(ICECandidate.list([], port: 1).isEmpty)
    }
}
