#if Server
internal import Egress

/// The words that stand for a list of encodings, which is made of what the input turns out to be.
enum AutomaticEncodings: String, Sendable, Hashable, CaseIterable {
    /// The input as it is where browsers play it, and VP8, which all of them play.
    case auto
    /// Several sizes of one codec, for links that differ: ``EncodingLadder``.
    case ladder

    /// Why this FFmpeg can't make the list, whatever the input turns out to be; nil when it can.
    func lack(_ ffmpeg: FFmpegAbilities) -> FFmpegAbilities.Lack? {
        switch self {
        case .auto: nil
        case .ladder: ffmpeg.lack(encoding: .h264)
        }
    }

    /// - Parameter video: nil: the input has none at present.
    func list(for video: MediaProbe.Video?, _ ffmpeg: FFmpegAbilities) throws(LegDecision.Impossible) -> [Encoding] {
        switch self {
        case .auto: return try Self.suited(to: video, ffmpeg)
        case .ladder:
            if let lack = lack(ffmpeg) { throw .init(field: "encodings", problem: "\(lack)") }
            return try EncodingLadder(of: video).encodings
        }
    }

    private static func suited(
        to video: MediaProbe.Video?, _ ffmpeg: FFmpegAbilities
    ) throws(LegDecision.Impossible) -> [Encoding] {
        let asItIs = video.flatMap { copied($0, ffmpeg) }
        // H.264 for the others that cannot be copied: it costs viewers the least, and most of them decode it in hardware.
        let encoded = (asItIs == nil ? [.h264, .vp8] : [VideoCodec.vp8]).filter { $0 != asItIs && ffmpeg.makes($0) }
        let codecs = (asItIs.map { [$0] } ?? []) + encoded
        guard !codecs.isEmpty else {
            throw .init(
                field: "encodings",
                problem: "\"auto\" finds nothing to send: browsers cannot play the input as it is, and this FFmpeg was built without "
                    + "\(VideoCodec.h264.encoder) and \(VideoCodec.vp8.encoder); name another one with --ffmpeg")
        }
        return codecs.map { Encoding(rid: $0.rawValue, codec: $0) }
    }

    private static func copied(_ video: MediaProbe.Video, _ ffmpeg: FFmpegAbilities) -> VideoCodec? {
        guard let codec = VideoCodec(ffmpegName: video.codec), ffmpeg.lack(sending: codec) == nil else { return nil }
        return CopyCheck(video: video, codec: codec).objection == nil ? codec : nil
    }
}
#endif
