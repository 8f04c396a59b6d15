@testable import Egress

extension CodecNegotiation.Media {
    /// Opus, and one encoding.
    init(hasAudio: Bool, video: VideoFormat?) {
        self.init(audio: hasAudio ? .opus : nil, video.map { [$0] } ?? [])
    }

    /// Encodings in the operator's order.
    init(audio: AudioCodec? = .opus, _ formats: [VideoFormat]) {
        self.init(audio: audio, encodings: formats.enumerated().map { Encoding(index: $0.offset, format: $0.element) })
    }
}

extension VideoFormat {
    static let h264 = CodecNegotiationTests.baseline

    /// 1080p, in all but H.264.
    static func of(
        _ codec: VideoCodec, profile: UInt8? = nil, tier: UInt8 = 0, level: UInt8? = nil, _ width: Int = 1_920, _ height: Int = 1_080
    ) -> VideoFormat {
        let levels: [VideoCodec: UInt8] = [.h265: 120, .av1: 8]
        return VideoFormat(
            codec: codec, profileIDC: profile ?? (codec == .h265 ? 1 : 0), constraints: tier, levelIDC: level ?? levels[codec, default: 0],
            width: width, height: height)
    }
}
