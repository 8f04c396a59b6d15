import Testing

@testable import Egress

@Suite struct KnownEncodingsTests {
    static let legs = [Encoding(rid: "h264"), Encoding(rid: "vp8", codec: .vp8), Encoding(rid: "av1", codec: .av1)]

    static func offer(_ codecs: String...) throws -> SDPOffer {
        var offer = Offer()
        offer.offerVideo(codecs.map { ($0, $0 == "H264" ? "packetization-mode=1;profile-level-id=42e01f" : "") })
        return try SDPParser.parse(Array(offer.text.utf8))
    }

    static func reading(_ format: VideoFormat?, isActive: Bool = true) -> EncodingReading {
        EncodingReading(isActive: isActive, format: format, hasBFrames: false, bitRate: 0, gopMilliseconds: 0, viewers: 0)
    }

    /// H.264 and VP8 have begun, AV1 has not.
    static let begun = KnownEncodings(legs: legs, readings: [reading(.h264), reading(.of(.vp8)), reading(nil, isActive: false)])

    @Test func theFirstEncodingWhoseCodecIsOfferedIsWaitedFor() throws {
        #expect(KnownEncodings.wanted(by: try Self.offer("AV1", "VP8", "H264"), of: Self.legs) == 0)
        #expect(KnownEncodings.wanted(by: try Self.offer("AV1", "VP8"), of: Self.legs) == 1)
        #expect(KnownEncodings.wanted(by: try Self.offer("AV1"), of: Self.legs) == 2)
        #expect(KnownEncodings.wanted(by: try Self.offer("VP9"), of: Self.legs) == nil)
        var sends = Offer()
        sends.video.replace("a=recvonly", with: "a=sendonly")
        #expect(KnownEncodings.wanted(by: try SDPParser.parse(Array(sends.text.utf8)), of: Self.legs) == nil)
    }

    @Test func aViewerThatCouldPlayWhatHasNotBegunIsNotAnsweredWithTheSoundAlone() throws {
        #expect(Self.begun.missing(for: try Self.offer("AV1")) == 2)
        #expect(Self.begun.missing(for: try Self.offer("AV1", "VP9")) == 2)
        #expect(Self.begun.missing(for: try Self.offer("AV1", "VP8")) == nil, "it plays another meanwhile")
        #expect(Self.begun.missing(for: try Self.offer("VP9")) == nil, "nothing will ever be there for it")
    }

    @Test func beforeAnyPictureEveryViewerWaits() throws {
        let silent = KnownEncodings(legs: Self.legs, readings: [nil, Self.reading(nil), nil])
        #expect(silent.missing(for: try Self.offer("VP8")) == 1)
        #expect(silent.missing(for: try Self.offer("VP9")) == 0)
        #expect(silent.media.isEmpty)
    }

    @Test func whatHasBegunKeepsItsPlaceAndItsOrder() {
        #expect(Self.begun.media.map(\.index) == [0, 1] && Self.begun.media.map(\.format.codec) == [.h264, .vp8])
        let last = KnownEncodings(legs: Self.legs, readings: [nil, nil, Self.reading(.of(.av1))])
        #expect(last.media.map(\.index) == [2])
    }

    @Test func aBitRateIsTheConfiguredOneElseTheMeasured() {
        let legs = [Encoding(rid: "a", bitRate: 900_000), Encoding(rid: "b")]
        var readings = [Self.reading(.h264), Self.reading(.h264, isActive: false)]
        for index in readings.indices { readings[index].bitRate = 700_000 }
        let media = KnownEncodings(legs: legs, readings: readings).media
        #expect(media.map(\.bitRate) == [900_000, 700_000] && media.map(\.isActive) == [true, false])
    }

    @Test func encodingsOfTheSameCodecThatHaveNotBegunAreMissingRungs() {
        let legs = [Encoding(rid: "a"), Encoding(rid: "b"), Encoding(rid: "c", codec: .vp8), Encoding(rid: "d")]
        let known = KnownEncodings(legs: legs, readings: [Self.reading(.h264), nil, nil, Self.reading(nil)])
        #expect(known.missingRungs(beside: 0) == [1, 3] && known.missingRungs(beside: 2) == [2])
        #expect(Self.begun.missingRungs(beside: 0).isEmpty)
    }

    /// It is given to those alone who play no other.
    @Test func whatHasFallenSilentStandsBehindTheOthers() throws {
        let known = KnownEncodings(
            legs: Self.legs, readings: [Self.reading(.h264, isActive: false), Self.reading(.of(.vp8)), Self.reading(.of(.av1))])
        #expect(known.media.map(\.index) == [1, 2, 0])
        let offers = [try Self.offer("H264", "VP8"), try Self.offer("H264")]
        #expect(try offers.map { try CodecNegotiation(offer: $0, media: .init(encodings: known.media)).video?.encoding } == [1, 0])
    }
}
