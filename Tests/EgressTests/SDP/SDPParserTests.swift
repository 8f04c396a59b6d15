import Testing

@testable import Egress

@Suite struct SDPParserTests {
    static func parse(_ text: String) throws -> SDPOffer { try SDPParser.parse(Array(text.utf8)) }

    @Test func chromiumsOfferIsRead() throws {
        let offer = try Self.parse(BrowserOffer.chromium)
        #expect(offer.sections.map(\.kind) == ["video", "audio"])
        #expect(offer.bundles == [["0", "1"]])
        let video = offer.sections[0]
        #expect(video.isReceivable && video.hasReducedSizeRTCP)
        #expect(video.transport.iceUfrag == "DcqG")
        #expect(video.transport.icePwd == "7yRnwTwVN00fANvOKt/PMYan")
        #expect(video.transport.fingerprint?.hasPrefix("sha-256 4C:49:A3:") == true)
        #expect(video.transport.setup == "actpass")
        #expect(video.payloadTypes.count == 34)
        #expect(video.codecs[102] == SDPOffer.Codec(name: "H264", clockRate: 90_000, channels: 1))
        #expect(video.parameter("profile-level-id", of: 102) == "42001f")
        #expect(video.parameter("packetization-mode", of: 104) == "0")
        #expect(video.retransmission(of: 102) == 103)
        #expect(video.retransmission(of: 118) == 119)
        #expect(video.retransmission(of: 120) == nil)
        #expect(video.feedback(of: 102) == ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"])
        #expect(offer.sections[1].codecs[111] == SDPOffer.Codec(name: "opus", clockRate: 48_000, channels: 2))
    }

    @Test func firefoxsFingerprintIsTheSessions() throws {
        let offer = try Self.parse(BrowserOffer.firefoxWithoutH264)
        #expect(offer.sections.count == 2)
        #expect(
            offer.sections.allSatisfy { $0.transport.fingerprint?.hasPrefix("sha-256 33:56:85:") == true && $0.direction == .receiveOnly })
        #expect(offer.sections[0].transport.iceUfrag == "25079210")
        #expect(offer.sections[0].parameter("apt", of: 124) == "120")
    }

    @Test func credentialsComeFromTheSessionOrTheBundlesFirstSection() throws {
        var offer = Offer()
        let transport = offer.transport
        offer.transport = []
        offer.session += transport
        #expect(try Self.parse(offer.text).sections.allSatisfy { $0.transport.iceUfrag == "abcd" && $0.transport.setup == "actpass" })
        offer.session.removeLast(transport.count)
        offer.video? += transport
        #expect(try Self.parse(offer.text).sections.allSatisfy { $0.transport.icePwd == "0123456789abcdefghijkl" })
    }

    @Test func aLineMayEndWithALineFeedAlone() throws {
        let text = Offer().text
        let bytes = Array(text.utf8).filter { $0 != UInt8(ascii: "\r") }
        #expect(try SDPParser.parse(bytes) == Self.parse(text))
    }

    @Test func aGroupNamesEachSectionOnceAndNoMoreThanThereMayBe() throws {
        var offer = Offer()
        offer.session[4] = "a=group:BUNDLE 0 0 1 1"
        #expect(try Self.parse(offer.text).bundles == [["0", "1"]])
        offer.session[4] = "a=group:BUNDLE " + (0..<600).map(String.init).joined(separator: " ")
        offer.session += Array(repeating: "a=group:BUNDLE 1", count: 100)
        let bundles = try Self.parse(offer.text).bundles
        #expect(bundles.count == 32 && bundles[0].count == 32)
    }

    @Test func aByteOrderMarkAndBlanksBehindLinesChangeNothing() throws {
        let lines = Offer().text.split(separator: "\r\n")
        let text = "\u{FEFF}" + lines.map { $0 + " \t \r\n" }.joined() + "  \r\n\r\n"
        #expect(try Self.parse(text) == Self.parse(Offer().text))
        #expect(failure { try Self.parse("\u{FEFF}\u{FEFF}" + Offer().text) }?.code == .invalidOffer)
        #expect(failure { try Self.parse("\r\na=x\r\n" + Offer().text) }?.message.contains("v=0") == true)
    }

    @Test func theStrongestFingerprintThatCanBeCheckedIsTaken() throws {
        var offer = Offer()
        offer.transport[2] = "a=fingerprint:sha-1 \(Offer.fingerprint(20))"
        #expect(try Self.parse(offer.text).sections[0].transport.fingerprint?.hasPrefix("sha-1 ") == true)
        offer.transport += [
            "a=fingerprint:SHA-256 \(Offer.fingerprint(32).lowercased())", "a=fingerprint:sha-512 \(Offer.fingerprint(64))",
        ]
        #expect(try Self.parse(offer.text).sections[0].transport.fingerprint == "sha-256 \(Offer.fingerprint(32))")
        offer.transport += ["a=fingerprint:md5 AA"]
        #expect(try Self.parse(offer.text).sections[0].transport.fingerprint == "sha-256 \(Offer.fingerprint(32))")
    }

    /// What is wrong, and a word the message must hold.
    static let malformed: [(name: String, word: String, change: @Sendable (inout Offer) -> Void)] = [
        ("no version", "v=0", { $0.session.removeFirst() }),
        ("a line that is none", "not an SDP line", { $0.session.append("hello") }),
        ("a line with an upper-case type", "not an SDP line", { $0.session.append("A=b") }),
        ("a control character", "control", { $0.session.append("a=x:\u{1}") }),
        ("a lone carriage return", "control", { $0.session.append("a=x:1\ra=y:2") }),
        ("a delete character", "control", { $0.session.append("a=x:\u{7F}") }),
        ("a line too long", "longer", { $0.session.append("a=x:" + String(repeating: "y", count: 4_096)) }),
        ("too many lines", "lines", { $0.session += Array(repeating: "a=x", count: 2_048) }),
        ("too many sections", "m= section", { $0.audio = Array(repeating: "m=audio 0 RTP/AVP 0", count: 32) }),
        ("too many formats", "formats", { $0.audio?[0] += String(repeating: " 1", count: 128) }),
        (
            "too many candidates", "candidate",
            { $0.transport += Array(repeating: "a=candidate:1 1 udp 1 192.0.2.1 1 typ host", count: 129) }
        ),
        ("an m= line without formats", "m= needs", { $0.audio?[0] = "m=audio 9 UDP/TLS/RTP/SAVPF" }),
        ("a port that is none", "m= needs", { $0.audio?[0] = "m=audio 99999 UDP/TLS/RTP/SAVPF 111" }),
        ("two sections of one mid", "mid", { $0.audio.replace("a=mid:1", with: "a=mid:0") }),
        ("an empty mid", "mid", { $0.audio.replace("a=mid:1", with: "a=mid:") }),
        ("a mid of two words", "mid", { $0.audio.replace("a=mid:1", with: "a=mid:1 2") }),
        ("no user fragment", "ICE credentials", { $0.transport.remove(at: 0) }),
        ("no password", "ICE credentials", { $0.transport.remove(at: 1) }),
        ("a short password", "credential", { $0.transport[1] = "a=ice-pwd:0123456789abcdefghijk" }),
        ("a short user fragment", "credential", { $0.transport[0] = "a=ice-ufrag:abc" }),
        ("a long user fragment", "credential", { $0.transport[0] = "a=ice-ufrag:" + String(repeating: "a", count: 257) }),
        ("a user fragment with a blank", "credential", { $0.transport[0] = "a=ice-ufrag:ab cd" }),
        ("a user fragment of other characters", "credential", { $0.transport[0] = "a=ice-ufrag:ab:cd" }),
        ("no fingerprint", "fingerprint", { $0.transport.remove(at: 2) }),
        ("only a fingerprint of an unknown kind", "fingerprint", { $0.transport[2] = "a=fingerprint:md5 AA:BB" }),
        ("a short fingerprint", "fingerprint", { $0.transport[2] = "a=fingerprint:sha-256 \(Offer.fingerprint(31))" }),
        ("a fingerprint that is none", "fingerprint", { $0.transport[2] = "a=fingerprint:sha-256 \(Offer.fingerprint(31)):GG" }),
        ("a fingerprint without a value", "fingerprint", { $0.transport[2] = "a=fingerprint:sha-256" }),
        ("a payload type that is none", "rtpmap", { $0.audio.replace("a=rtpmap:111 opus/48000/2", with: "a=rtpmap:128 opus/48000/2") }),
        ("a codec without a clock rate", "clock", { $0.audio.replace("a=rtpmap:111 opus/48000/2", with: "a=rtpmap:111 opus") }),
        ("no media", "no audio and no video", { ($0.audio, $0.video) = (nil, nil) }),
        ("only data", "no audio and no video", { ($0.audio, $0.video) = (["m=application 9 UDP/DTLS/SCTP webrtc-datachannel"], nil) }),
    ]

    @Test(arguments: malformed.indices) func malformedOffersAreRefusedWithAReason(row: Int) {
        var offer = Offer()
        Self.malformed[row].change(&offer)
        let error = failure { try Self.parse(offer.text) }
        #expect(error?.code == .invalidOffer, "\(Self.malformed[row].name)")
        #expect(error?.message.contains(Self.malformed[row].word) == true, "\(Self.malformed[row].name): \(error?.message ?? "accepted")")
    }

    @Test func bytesThatAreNoTextAreRefused() {
        for bytes in [[0xFF, 0xFE], [0], Array("v=0\r\n\u{0}".utf8), [], Array(repeating: UInt8(ascii: "v"), count: 65_537)] as [[UInt8]] {
            #expect(failure { try SDPParser.parse(bytes) }?.code == .invalidOffer)
        }
    }

    @Test func everyTruncationOfARealOfferIsTakenOrRefusedButNeverMore() {
        let bytes = Array(BrowserOffer.chromium.utf8)
        for size in stride(from: 0, to: bytes.count, by: 7) {
            if let error = failure({ try SDPParser.parse(bytes[..<size]) }) { #expect(error.code == .invalidOffer) }
        }
    }

    @Test func anyByteOfARealOfferMayBeWrong() {
        let bytes = Array(BrowserOffer.firefoxWithoutH264.utf8)
        for index in stride(from: 0, to: bytes.count, by: 3) {
            var changed = bytes
            changed[index] ^= UInt8(truncatingIfNeeded: 1 << (index % 8))
            if let error = failure({ try SDPParser.parse(changed) }) { #expect(error.code == .invalidOffer) }
        }
    }
}
