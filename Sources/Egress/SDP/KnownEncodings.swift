/// What of a stream's encodings there is when a viewer joins.
struct KnownEncodings: Sendable {
    /// As configured, the one that the operator prefers first; at least one.
    let legs: [Encoding]
    /// Of each, what the engine knows.
    let readings: [EncodingReading?]

    /// The encoding that a viewer is to get, as far as the configuration tells: the first whose codec it has.
    static func wanted(by offer: SDPOffer, of legs: [Encoding]) -> Int? {
        legs.indices.first { isMentioned(legs[$0].codec, in: offer) }
    }

    /// Those that have sent a key picture, in the operator's order. Those that have fallen silent stand behind the others: a viewer of one of them
    /// would see nothing until it goes on.
    var media: [CodecNegotiation.Media.Encoding] {
        let known = legs.indices.compactMap { index in readings[index].map { (index, $0) } }.filter { $0.1.format != nil }
        return (known.filter { $0.1.isActive } + known.filter { !$0.1.isActive }).compactMap { index, reading in
            reading.format.map { format in
                let bitRate = legs[index].boundedBitRate(measured: reading.bitRate)
                return .init(index: index, format: format, bitRate: bitRate, isActive: reading.isActive)
            }
        }
    }

    /// The encoding that the viewer has to wait for; `nil` when it can be answered. One that can play an encoding as soon as that has begun is not
    /// to end with the sound alone.
    func missing(for offer: SDPOffer) -> Int? {
        let media = media
        let canPlay = offer.sections.contains { $0.isReceivable && CodecNegotiation.canPlay($0, .init(encodings: media)) }
        guard !canPlay else { return nil }
        let awaited = legs.indices.first { readings[$0]?.format == nil && Self.isMentioned(legs[$0].codec, in: offer) }
        return awaited ?? (media.isEmpty ? 0 : nil)
    }

    /// Encodings of the same codec that have not sent a key picture yet.
    func missingRungs(beside wanted: Int) -> [Int] {
        legs.indices.filter { readings[$0]?.format == nil && legs[$0].codec == legs[wanted].codec }
    }

    private static func isMentioned(_ codec: VideoCodec, in offer: SDPOffer) -> Bool {
        offer.sections.contains { $0.isReceivable && $0.mentions(codec) }
    }
}
