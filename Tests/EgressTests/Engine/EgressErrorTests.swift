import Testing

@testable import Egress

@Suite struct EgressErrorTests {
    @Test func itReadsAsItsMessage() {
        let error = EgressError(code: .streamExists, message: "webrtc: no")
        #expect("\(error)" == "webrtc: no")
        #expect("\(error.code)" == "streamExists")
        #expect(error == EgressError(code: .streamExists, message: "webrtc: no"))
        #expect(error != EgressError(code: .notFound, message: "webrtc: no"))
    }
}
