import Testing

@testable import Egress

@Suite struct SDPFragmentTests {
    static let udp = "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1"
    static let udp6 = "a=candidate:3471623853 1 UDP 2122194687 2001:db8::1 61765 typ srflx raddr 0.0.0.0 rport 0"
    static let tcp = "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag EsAw"
    static let local = "a=candidate:1 1 udp 2113937151 28465703-5b2b-470d-a1c7-4804a9895302.local 44898 typ host"
    static let credentials = ["a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1"]
    static let section = ["a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0"]

    static func text(_ lines: [String]) -> String { lines.map { $0 + "\r\n" }.joined() }
    static func parse(_ lines: [String]) throws -> SDPFragment { try SDPFragment.parse(Array(text(lines).utf8)) }

    @Test func credentialsAndCandidatesAreRead() throws {
        let fragment = try Self.parse(Self.section + Self.credentials + [Self.udp, Self.udp6, "a=end-of-candidates"])
        #expect(fragment.credentials == ICECredentials(ufrag: "EsAw", pwd: "P2uYro0UCOQ4zxjKXaWCBui1"))
        #expect(fragment.candidates == 2 && fragment.candidatesUnusable == 0 && fragment.hasEnd)
    }

    @Test func aByteOrderMarkAndBlanksBehindLinesChangeNothing() throws {
        let lines = Self.section + Self.credentials + [Self.udp, "a=end-of-candidates"]
        let blanks = "\u{FEFF}" + lines.map { $0 + " \t\r\n" }.joined()
        #expect(try SDPFragment.parse(Array(blanks.utf8)) == Self.parse(lines))
    }

    @Test func candidatesOfAnotherKindArePassedOver() throws {
        let fragment = try Self.parse(Self.section + Self.credentials + [Self.tcp, Self.local, Self.udp])
        #expect(fragment.candidates == 1 && fragment.candidatesUnusable == 2 && !fragment.hasEnd)
    }

    @Test func theFirstCredentialsSpeakForTheBundle() throws {
        let other = ["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=ice-ufrag:other", "a=ice-pwd:0123456789012345678901"]
        #expect(try Self.parse(Self.credentials + Self.section + other).credentials?.ufrag == "EsAw")
    }

    @Test(arguments: [[udp], ["a=end-of-candidates"], credentials, [tcp]]) func anyOneOfThemIsEnough(lines: [String]) throws {
        _ = try Self.parse(lines)
    }

    static let malformed: [(name: String, lines: [String])] = [
        ("nothing", []), ("no line of SDP", ["hello"]), ("only a section", section),
        ("no password", [credentials[0]]), ("no user fragment", [credentials[1]]),
        ("a short user fragment", ["a=ice-ufrag:abc", credentials[1]]),
        ("a short password", [credentials[0], "a=ice-pwd:012345678901234567890"]),
        ("a long password", [credentials[0], "a=ice-pwd:" + String(repeating: "a", count: 257)]),
        ("other characters", ["a=ice-ufrag:ab:cd", credentials[1]]),
        ("a candidate cut short", credentials + ["a=candidate:1 1 udp 1 192.0.2.1 1 typ"]),
        ("a candidate without a port", credentials + ["a=candidate:1 1 udp 1 192.0.2.1 65536 typ host"]),
        ("a candidate without a priority", credentials + ["a=candidate:1 1 udp x 192.0.2.1 1 typ host"]),
        ("a candidate without a type", credentials + ["a=candidate:1 1 udp 1 192.0.2.1 1 is host"]),
        ("a control character", credentials + ["a=x:\u{1}"]),
        ("a long line", credentials + ["a=x:" + String(repeating: "y", count: 1_021)]),
        ("too many lines", credentials + Array(repeating: "a=x", count: 255)),
        ("too many candidates", credentials + Array(repeating: udp, count: 129)),
    ]

    @Test(arguments: malformed.indices) func malformedFragmentsAreRefused(row: Int) {
        #expect(failure { try Self.parse(Self.malformed[row].lines) }?.code == .invalidOffer, "\(Self.malformed[row].name)")
    }

    @Test func limitsAreReachedBeforeTheyAreCrossed() throws {
        #expect(try Self.parse(Self.credentials + Array(repeating: Self.udp, count: 128)).candidates == 128)
        _ = try Self.parse(Self.credentials + ["a=x:" + String(repeating: "y", count: 1_020)])
        let size = SDPFragment.Limits.sizeMax
        let long = Array(Self.text(Self.credentials + Array(repeating: "a=x:" + String(repeating: "y", count: 1_000), count: 20)).utf8)
        #expect(long.count > size)
        #expect(failure { try SDPFragment.parse(long) }?.code == .invalidOffer)
        #expect(failure { try SDPFragment.parse([0xFF, 0xFE]) }?.code == .invalidOffer)
    }

    @Test func aFragmentNamesTheFirstSectionAndEveryCandidate() {
        let section = SDPFragment.Section(media: "m=video 9 UDP/TLS/RTP/SAVPF 108", mid: "0", bundle: ["0", "1"])
        let text = SDPFragment.write(
            section, ICECredentials(ufrag: "UFRAG678", pwd: "PWD456789012345678901234"), ICECandidate.list(["192.0.2.1"], port: 8_189))
        let lines = [
            "a=ice-lite", "a=group:BUNDLE 0 1", "m=video 9 UDP/TLS/RTP/SAVPF 108", "a=mid:0", "a=ice-ufrag:UFRAG678",
            "a=ice-pwd:PWD456789012345678901234", "a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host", "a=end-of-candidates",
        ]
        #expect(text == Self.text(lines))
    }
}

@Suite struct WHEPConditionTests {
    @Test(arguments: [
        ("*", true), ("\"*\"", true), (" \"*\" ", true), ("\"tag\"", true), ("\"old\", \"tag\"", true), ("\"old\"", false),
        ("W/\"tag\"", false), ("tag", false), ("", false), ("\"ta\"", false), ("\"tag\"x", false),
    ])
    func onlyTheCurrentTagOrAStarHolds(field: String, holds: Bool) {
        #expect(WHEPCondition(field: field).holds(for: "tag") == holds)
    }
}
