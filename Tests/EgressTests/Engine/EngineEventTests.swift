import Testing

@testable import Egress

@Suite struct EngineEventTests {
    @Test func aViewerThatNeverCameIsToldWithThePort() {
        #expect(CloseReason.noCheck.words(udpPort: 8_189).hasPrefix("no STUN check ever reached UDP port 8189: is it open"))
        #expect(!CloseReason.noCheck.isExpected)
    }

    static let reasons: [CloseReason] = [
        .requested, .streamStopped, .peer, .noCheck, .consentExpired, .handshakeTimeout, .handshakeFailed, .fingerprint, .sourceLost,
        .congestion, .wrongPassword, .noHandshake, .noSRTPProfile,
    ]

    @Test func aHandshakeThatFailedIsToldWithItsAlertAndALostViewerWithItsTime() {
        let ours = TLSAlert(number: 40, isOurs: true)
        let theirs = TLSAlert(number: 42, isOurs: false)
        #expect(ViewerEnding(.noSRTPProfile, alert: ours).words(udpPort: 1).hasSuffix("; this side refused with handshake_failure"))
        #expect(ViewerEnding(.handshakeTimeout, alert: theirs).words(udpPort: 1).hasSuffix("; the client refused with bad_certificate"))
        #expect(ViewerEnding(.handshakeFailed).words(udpPort: 1) == CloseReason.handshakeFailed.words(udpPort: 1))
        #expect(ViewerEnding(.peer, alert: theirs).words(udpPort: 1) == CloseReason.peer.words(udpPort: 1), "it was connected in the end")
        #expect(ViewerEnding(.consentExpired, lasted: .seconds(95.4)).words(udpPort: 1).hasSuffix("is gone, after 95 s"))
        #expect(TLSAlert(number: -1, isOurs: false) == nil && TLSAlert(number: 256, isOurs: false) == nil)
        #expect(TLSAlert(number: 99, isOurs: false)?.name == "alert 99")
    }

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
