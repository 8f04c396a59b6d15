import Testing

@testable import Egress

@Suite struct ICECredentialsTests {
    @Test func theyAreRandomAndOfTheEnginesSizes() {
        let credentials = (0..<50).map { _ in ICECredentials.random() }
        #expect(Set(credentials).count == 50)
        #expect(credentials.allSatisfy { ICECredentials.isSound($0.ufrag, 8...8) && ICECredentials.isSound($0.pwd, 24...24) })
    }
}
