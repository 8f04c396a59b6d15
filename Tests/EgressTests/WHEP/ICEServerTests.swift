import Testing

@testable import Egress

@Suite struct ICEServerTests {
    @Test func urlsMayBeOneStringAsInBrowsers() throws {
        let server = try JSON.decode(ICEServer.self, "{\"urls\": \"stun:stun.example\"}")
        #expect(server == ICEServer(urls: ["stun:stun.example"]))
        #expect(try JSON.roundTrip(server) == server)
    }

    @Test func everyURLBecomesALink() {
        let server = ICEServer(urls: ["turn:a.example?transport=udp", "turns:a.example"], username: "joe", credential: "p\"w\\")
        #expect(
            server.links(at: 0) == [
                #"<turn:a.example?transport=udp>; rel="ice-server"; username="joe"; credential="p\"w\\"; credential-type="password""#,
                #"<turns:a.example>; rel="ice-server"; username="joe"; credential="p\"w\\"; credential-type="password""#,
            ])
        #expect(ICEServer(urls: ["stun:b.example"]).links(at: 0) == [#"<stun:b.example>; rel="ice-server""#])
    }

    @Test func aSecretBecomesACredentialThatEnds() {
        let named = ICEServer(urls: ["turn:a.example"], username: "viewer", secret: "north", lifetime: .seconds(3_600))
        #expect(
            named.links(at: 1_700_000_000) == [
                #"<turn:a.example>; rel="ice-server"; username="1700003600:viewer"; "#
                    + #"credential="Z2bVzE30rf+aB1tMtuWPzRohu58="; credential-type="password""#
            ])
        let nameless = ICEServer(urls: ["turn:a.example", "turns:a.example"], secret: "north")
        let links = nameless.links(at: 1_700_000_000)
        #expect(links.count == 2)
        #expect(links.allSatisfy { $0.contains(#"username="1700086400"; credential="K+RlgFj3QLvB7WAVHfjfgMgyBeA=""#) })
        #expect(!links.joined().contains("north"), "the secret is nobody's business")
    }

    @Test func aSecretSurvivesJSONWithItsLifetime() throws {
        let server = try JSON.decode(ICEServer.self, "{\"urls\": \"turn:t.example\", \"secret\": \"s\", \"lifetime_seconds\": 600}")
        #expect(server == ICEServer(urls: ["turn:t.example"], secret: "s", lifetime: .seconds(600)))
        #expect(try JSON.roundTrip(server) == server)
        let standard = try JSON.decode(ICEServer.self, "{\"urls\": \"turn:t.example\", \"secret\": \"s\"}")
        #expect(standard.lifetime == .seconds(86_400))
        #expect(throws: DecodingError.self) { try JSON.decode(ICEServer.self, "{\"urls\": \"turn:t\", \"lifetime_seconds\": \"x\"}") }
    }

    @Test(arguments: [
        ICEServer(urls: []), ICEServer(urls: ["http://a.example"]), ICEServer(urls: ["stun:"]), ICEServer(urls: ["stun:a>b"]),
        ICEServer(urls: ["stun:a\r\nX-Header: b"]), ICEServer(urls: ["stun:a"], username: "a\nb"),
        ICEServer(urls: ["stun:a"], credential: "ä"), ICEServer(urls: ["turn:a"], secret: ""), ICEServer(urls: ["turn:a"], secret: "a\0b"),
        ICEServer(urls: ["turn:a"], credential: "c", secret: "s"), ICEServer(urls: ["turn:a"], secret: "s", lifetime: .seconds(59)),
        ICEServer(urls: ["turn:a"], secret: "s", lifetime: .seconds(2_592_001)),
    ])
    func whatAHeaderCannotCarryIsRefused(server: ICEServer) {
        #expect(failure { try server.validate() }?.code == .invalidConfiguration)
    }
}
