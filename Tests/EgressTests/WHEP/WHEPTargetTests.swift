import Testing

@testable import Egress

@Suite struct WHEPTargetTests {
    static let paths: [(path: String, target: WHEPTarget?)] = [
        ("/whep/show", .endpoint(stream: "show")),
        ("/whep/show?token=a/b", .endpoint(stream: "show")),
        ("/whep/a%20b%2Fc%C3%A4", .endpoint(stream: "a b/cä")),
        ("/whep/show/0123", .session(stream: "show", session: "0123")),
        ("/whep/a%2fb/0123", .session(stream: "a/b", session: "0123")),
        ("/whep/a%2fb/0123/events", .events(stream: "a/b", session: "0123")),
        ("/whep/a/0123/events/4567", .listener(stream: "a", session: "0123", listener: "4567")),
        ("/whep/a%2fb/0123/layer", .layer(stream: "a/b", session: "0123")),
        ("/whep/a/0123/layer?x=y", .layer(stream: "a", session: "0123")),
        ("/whep/a/0123/layer/", nil), ("/whep/a/0123/layer/1", nil), ("/whep/a/0123/Layer", nil), ("/whep/a/layer/0123", nil),
        ("/whep/show/", .endpoint(stream: "show")), ("/whep/show/?token=a", .endpoint(stream: "show")),
        ("/whep/show/0123/", nil), ("/whep/a/0123/events/", nil),
        ("/whep/a/0123/other/4567", nil), ("/whep/show//", nil), ("/whep/a//0123", nil), ("/whep/a/0123/events/4/5", nil),
        ("/whep", nil), ("/whep/", nil), ("/whep//", nil), ("/whep//a", nil), ("/whep/a/b/c", nil), ("/wheps/a", nil),
        ("/other/a", nil),
        ("/whep/show?a\u{301}", .endpoint(stream: "show")), ("/whep/show/\u{301}", .session(stream: "show", session: "\u{301}")),
        ("/whep\u{301}/show", nil),
        ("", nil), ("/whep/%", nil), ("/whep/%2", nil), ("/whep/%GG", nil), ("/whep/%+1", nil), ("/whep/%FF", nil),
    ]

    @Test(arguments: paths.indices) func pathsAreReadPartByPart(row: Int) {
        #expect(WHEPTarget(path: Self.paths[row].path, base: "/whep") == Self.paths[row].target)
    }

    @Test(arguments: ["/my%20base/x/show", "/my%20base/%78/show"]) func aBaseIsFoundHoweverItIsEncoded(path: String) {
        for base in ["/my base/x", "my%20base/x/"] {
            let base = WHEPTarget.normalized(base: base)
            #expect(base == "/my%20base/x")
            #expect(WHEPTarget(path: path, base: base) == .endpoint(stream: "show"))
        }
        #expect(WHEPTarget(path: "/my%20base%2Fx/show", base: "/my%20base/x") == nil)
    }

    @Test(arguments: [
        ("/whep", "/whep"), ("whep/", "/whep"), ("", ""), ("/", ""), ("/a//b/", "/a/b"), ("/my base", "/my%20base"), ("/%", "/%25"),
        ("/caf\u{E9}\n", "/caf%C3%A9%0A"),
    ])
    func basesAreNormalised(base: String, normalized: String) {
        #expect(WHEPTarget.normalized(base: base) == normalized)
    }

    @Test(arguments: ["show", "a b/cä", "%", "..", "a?b#c", "\u{1F3A5}"]) func whatIsEncodedIsReadBack(id: String) {
        let encoded = WHEPTarget.encoded(id)
        #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
        #expect(WHEPTarget(path: "/\(encoded)", base: "") == .endpoint(stream: id))
    }
}
