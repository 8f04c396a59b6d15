import Testing

@testable import Egress

@Suite struct EngineEventTests {
    @Test func aViewerThatNeverCameIsToldWithThePort() {
        #expect(CloseReason.noCheck.words(udpPort: 8_189).hasPrefix("no STUN check ever reached UDP port 8189: is it open"))
        #expect(!CloseReason.noCheck.isExpected)
    }

    static let reasons: [CloseReason] = [
        .requested, .streamStopped, .peer, .noCheck, .consentExpired, .handshakeTimeout, .handshakeFailed, .fingerprint, .sourceLost,
        .congestion,
    ]

    @Test func everyReasonHasWordsOfItsOwn() {
        let reasons = Self.reasons + [.other(77)]
        #expect(Set(reasons.map { $0.words(udpPort: 1) }).count == reasons.count)
    }
}

extension WithEngine {
    @Suite(.serialized) struct CloseReasonTests {
        @Test func everyReasonHasTheNameThatItsCounterHas() throws {
            #expect(Set(EngineEventTests.reasons.map(\.name)) == Set(try Engines.make().statistics().closed.keys))
        }
    }
}
