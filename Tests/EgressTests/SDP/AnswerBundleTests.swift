import Testing

@testable import Egress

@Suite struct AnswerBundleTests {
    enum Policy: CaseIterable { case maxBundle, balanced, unbundled, withoutMids }

    /// An offer of sections in any order: `v`, `a`, `d` (data channels).
    static func offer(_ order: String, _ policy: Policy) -> String {
        let short = Offer()
        var lines = Array(short.session.dropLast())
        let mids = order.indices.map { String(order.distance(from: order.startIndex, to: $0)) }
        if policy == .maxBundle || policy == .balanced { lines.append("a=group:BUNDLE \(mids.joined(separator: " "))") }
        for (mid, kind) in zip(mids, order) {
            let isBundleOnly = policy == .maxBundle && mid != "0"
            var section = kind == "v" ? short.video : kind == "a" ? short.audio : data
            if isBundleOnly {
                section = section?.map { $0.split(separator: " 9 ").joined(separator: " 0 ") }
                section?.append("a=bundle-only")
            }
            lines += (section ?? []).filter { !$0.hasPrefix("a=mid") } + (policy == .withoutMids ? [] : ["a=mid:\(mid)"])
            lines += isBundleOnly ? [] : short.transport
        }
        return lines.map { $0 + "\r\n" }.joined()
    }

    static let data = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=sctp-port:5000"]

    /// `BUNDLE 0 1, video inactive, audio sendonly`; a section that is rejected is `off`.
    static func shape(_ order: String, _ policy: Policy, audio: Bool, video: Bool) throws -> String {
        let text = try SDPAnswerTests.answer(offer(order, policy), audio: audio, video: video ? CodecNegotiationTests.baseline : nil)
        var parts = [""]
        for line in text.split(separator: "\r\n") {
            if line.hasPrefix("a=group:") { parts[0] += line.dropFirst(8) }
            if line.hasPrefix("m=") {
                let fields = line.dropFirst(2).split(separator: " ")
                parts.append(String(fields[0]) + (fields[1] == "0" ? " off" : ""))
            }
            if ["a=sendonly", "a=inactive"].contains(line), !parts[parts.count - 1].hasSuffix("off") {
                parts[parts.count - 1] += " " + line.dropFirst(2)
            }
        }
        return parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    static let whole: [(order: String, video: String, audio: String, both: String)] = [
        (
            "va", "BUNDLE 0 1, video sendonly, audio inactive", "BUNDLE 0 1, video inactive, audio sendonly",
            "BUNDLE 0 1, video sendonly, audio sendonly"
        ),
        (
            "av", "BUNDLE 0 1, audio inactive, video sendonly", "BUNDLE 0 1, audio sendonly, video inactive",
            "BUNDLE 0 1, audio sendonly, video sendonly"
        ),
        ("v", "BUNDLE 0, video sendonly", "", "BUNDLE 0, video sendonly"),
        ("a", "", "BUNDLE 0, audio sendonly", "BUNDLE 0, audio sendonly"),
        (
            "dva", "BUNDLE 0 1 2, application, video sendonly, audio inactive",
            "BUNDLE 0 1 2, application, video inactive, audio sendonly",
            "BUNDLE 0 1 2, application, video sendonly, audio sendonly"
        ),
        ("vd", "BUNDLE 0, video sendonly, application off", "", "BUNDLE 0, video sendonly, application off"),
        (
            "avav", "BUNDLE 0 1, audio inactive, video sendonly, audio off, video off",
            "BUNDLE 0 1, audio sendonly, video inactive, audio off, video off",
            "BUNDLE 0 1, audio sendonly, video sendonly, audio off, video off"
        ),
    ]

    @Test(arguments: whole.indices, [Policy.maxBundle, .balanced])
    func theSectionThatCarriesTheBundleIsNeverRejected(row: Int, policy: Policy) throws {
        let (order, video, audio, both) = Self.whole[row]
        if !video.isEmpty { #expect(try Self.shape(order, policy, audio: false, video: true) == video) }
        if !audio.isEmpty { #expect(try Self.shape(order, policy, audio: true, video: false) == audio) }
        #expect(try Self.shape(order, policy, audio: true, video: true) == both)
    }

    @Test(arguments: [Policy.unbundled, .withoutMids]) func withoutABundleASectionCarriesItself(policy: Policy) throws {
        #expect(try Self.shape("va", policy, audio: true, video: false) == "video off, audio sendonly")
        #expect(try Self.shape("av", policy, audio: false, video: true) == "audio off, video sendonly")
        #expect(try Self.shape("v", policy, audio: true, video: true) == "video sendonly")
        #expect(failure { try Self.shape("va", policy, audio: true, video: true) }?.code == .unsupportedOffer)
    }

    @Test func theGroupsOrderSaysWhichSectionIsTagged() throws {
        var offer = Offer()
        offer.session[4] = "a=group:BUNDLE 1 0"
        let text = try SDPAnswerTests.answer(offer.text)
        #expect(text.contains("\r\na=group:BUNDLE 1 0\r\n"))
    }

    @Test func aSectionOutsideTheGroupIsRejectedAndNotNamed() throws {
        var offer = Offer()
        offer.session[4] = "a=group:BUNDLE 0"
        #expect(try SDPAnswerTests.answer(offer.text, video: nil).contains("a=group") == false)
        #expect(try SDPAnswerTests.answer(offer.text, audio: false).contains("\r\na=group:BUNDLE 0\r\n"))
    }

    /// What of a video section can't stay, when the stream has sound alone.
    static let unfit: [(name: String, change: @Sendable (inout Offer) -> Void)] = [
        ("it is off", { $0.video?[0] = "m=video 0 UDP/TLS/RTP/SAVPF 102" }),
        ("its control packets go elsewhere", { $0.video.replace("a=rtcp-mux") }),
        ("it is over another transport", { $0.video?[0] = "m=video 9 TCP/RTP/AVP 102" }),
    ]

    @Test(arguments: unfit.indices) func anotherSectionIsTaggedWhereTheOffersCannotBe(row: Int) throws {
        var offer = Offer()
        Self.unfit[row].change(&offer)
        let text = try SDPAnswerTests.answer(offer.text, video: nil)
        #expect(text.contains("\r\na=group:BUNDLE 1\r\n") && text.contains("\r\nm=video 0 "), "\(Self.unfit[row].name)")
    }

    @Test func theTransportIsThatOfTheTaggedSection() throws {
        let text = Self.offer("va", .balanced)
        let second = "a=ice-ufrag:efgh\r\na=ice-pwd:ghijkl0123456789abcdef\r\na=setup:passive\r\n"
        let differing =
            text.split(separator: "m=audio", maxSplits: 1)[0] + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=recvonly\r\na=rtcp-mux\r\n"
            + "a=rtpmap:111 opus/48000/2\r\n" + second
        let offer = try SDPParser.parse(Array(differing.utf8))
        let bundle = try CodecNegotiation(offer: offer, media: .init(hasAudio: true, video: nil)).bundle
        #expect(offer.sections[bundle.tagged].transport.iceUfrag == "abcd" && bundle.inactive == [0])
    }

    @Test func bundleOnlySectionsNeedNotRepeatWhatTheTaggedOneSays() throws {
        let text = Self.offer("va", .maxBundle)
        let parts = text.split(separator: "m=audio", maxSplits: 1)
        let offer = parts[0] + "m=audio" + parts[1].split(separator: "a=rtcp-mux\r\n").joined()
        #expect(try SDPAnswerTests.answer(String(offer), video: nil).contains("a=sendonly"))
    }

    @Test func anInactiveSectionNamesACodecOfTheOffer() throws {
        let text = try SDPAnswerTests.answer(BrowserOffer.firefoxWithoutH264, video: nil)
        let section = [
            "m=video 8189 UDP/TLS/RTP/SAVPF 120", "c=IN IP4 192.0.2.1", "a=mid:0", "a=inactive", "a=ice-ufrag:UFRAG678",
            "a=ice-pwd:PWD456789012345678901234", "a=fingerprint:sha-256 AB:CD", "a=setup:passive", "a=rtcp-mux", "a=rtcp-mux-only",
            "a=rtcp-rsize", "a=rtpmap:120 VP8/90000", "a=fmtp:120 max-fs=12288;max-fr=60",
            "a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host", "a=candidate:2 1 udp 2130706175 2001:db8::1 8189 typ host",
            "a=end-of-candidates", "m=audio 8189 UDP/TLS/RTP/SAVPF 109",
        ]
        #expect(text.contains("\r\na=group:BUNDLE 0 1\r\n"))
        #expect(text.contains(section.joined(separator: "\r\n") + "\r\n"))
        #expect(!text.contains("msid:0123456789abcdef video"))
    }

    @Test func dataChannelsKeepTheirPortWhenTheyCarryTheBundle() throws {
        let text = try SDPAnswerTests.answer(Self.offer("dva", .maxBundle))
        #expect(text.contains("\r\nm=application 8189 UDP/DTLS/SCTP webrtc-datachannel\r\n") && text.contains("\r\na=sctp-port:5000\r\n"))
    }

    @Test func aSectionWithoutMediaSaysWhy() throws {
        func reasons(_ text: String, audio: Bool = true, video: Bool = true) throws -> [String] {
            let offer = try SDPParser.parse(Array(text.utf8))
            let media = CodecNegotiation.Media(hasAudio: audio, video: video ? CodecNegotiationTests.baseline : nil)
            return try CodecNegotiation(offer: offer, media: media).sectionsWithoutMedia(of: offer, media)
        }
        #expect(try reasons(Offer().text) == [])
        #expect(
            try reasons(Self.offer("vad", .maxBundle), video: false) == [
                "Section 1 of the offer (video) is inactive in the answer: the stream has no video",
                "Section 3 of the offer (of another kind) is left out of the answer: only video and audio are served",
            ])
        var offer = Offer()
        offer.audio.replace("a=rtpmap:111 opus/48000/2", with: "a=rtpmap:111 PCMU/8000")
        #expect(
            try reasons(offer.text) == [
                "Section 2 of the offer (audio) is inactive in the answer: no codec in common: the stream has Opus; the section has PCMU"
            ])
        offer.audio.replace("a=recvonly", with: "a=sendonly")
        #expect(try reasons(offer.text) == ["Section 2 of the offer (audio) is inactive in the answer: it is one that is sendonly"])
        #expect(try reasons(Self.offer("vav", .balanced)).last?.hasSuffix("the stream's video goes to another section") == true)
    }
}
