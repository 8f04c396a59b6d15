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
            server.links == [
                #"<turn:a.example?transport=udp>; rel="ice-server"; username="joe"; credential="p\"w\\"; credential-type="password""#,
                #"<turns:a.example>; rel="ice-server"; username="joe"; credential="p\"w\\"; credential-type="password""#,
            ])
        #expect(ICEServer(urls: ["stun:b.example"]).links == [#"<stun:b.example>; rel="ice-server""#])
    }

    @Test(arguments: [
        ICEServer(urls: []), ICEServer(urls: ["http://a.example"]), ICEServer(urls: ["stun:"]), ICEServer(urls: ["stun:a>b"]),
        ICEServer(urls: ["stun:a\r\nX-Header: b"]), ICEServer(urls: ["stun:a"], username: "a\nb"),
        ICEServer(urls: ["stun:a"], credential: "ä"),
    ])
    func whatAHeaderCannotCarryIsRefused(server: ICEServer) {
        #expect(failure { try server.validate() }?.code == .invalidConfiguration)
    }
}
