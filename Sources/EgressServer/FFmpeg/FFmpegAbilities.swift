#if Server
internal import Egress

/// What an FFmpeg can do for legs: by which version it is, and by the encoders that it was built with.
struct FFmpegAbilities: Sendable, Hashable {
    /// Something that it can't do, and what helps.
    struct Lack: Error, Sendable, Hashable, CustomStringConvertible {
        var text: String
        var advice: String

        var description: String { "\(text); \(advice)" }
    }

    var version = FFmpegVersion.newest
    /// By their names; nil: it has not said, and is taken to have all.
    var encoders: Set<String>?

    /// Asks the FFmpeg at a path. One that does not answer is taken for the newest, with everything.
    static func asking(_ ffmpeg: String) async -> FFmpegAbilities {
        async let version = Tool.output(of: ffmpeg, ["-version"])
        async let encoders = Tool.output(of: ffmpeg, ["-hide_banner", "-encoders"])
        return FFmpegAbilities(
            version: await version?.first.map { FFmpegVersion(line: $0) } ?? .newest,
            encoders: await encoders.map { Self.names(inTable: $0) })
    }

    /// From the table that `ffmpeg -encoders` prints: flags, name, description.
    static func names(inTable lines: [String]) -> Set<String> {
        Set(lines.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
    }

    /// Why it can't put a codec into RTP, copied or encoded; nil when it can.
    func lack(sending codec: VideoCodec) -> Lack? {
        guard codec == .av1, !version.packetizesAV1 else { return nil }
        return Lack(
            text: "this FFmpeg, \(version), cannot send \(codec.name): 8.0 is the first that can",
            advice: "install a later one, name one with --ffmpeg, or choose another codec")
    }

    /// Why it can't encode to a codec; nil when it can, whether or not it can send the result.
    func lack(encoding codec: VideoCodec) -> Lack? { lack(encoder: codec.encoder, codec.name) }

    func lack(encoding codec: AudioCodec) -> Lack? { lack(encoder: codec.encoder, codec.name) }

    /// It makes legs of this codec, whatever the input is.
    func makes(_ codec: VideoCodec) -> Bool { lack(sending: codec) == nil && lack(encoding: codec) == nil }

    private func lack(encoder: String, _ codec: String) -> Lack? {
        guard let encoders, !encoders.contains(encoder) else { return nil }
        return Lack(
            text: "this FFmpeg cannot encode \(codec): it was built without \(encoder)",
            advice: "use your distribution's build of FFmpeg, name another one with --ffmpeg, or choose another codec")
    }
}

extension VideoCodec {
    /// By FFmpeg's name of it; nil: one that can't be sent.
    init?(ffmpegName name: String) {
        guard let codec = Self.allCases.first(where: { $0.ffmpegName == name }) else { return nil }
        self = codec
    }

    var ffmpegName: String { self == .h265 ? "hevc" : rawValue }

    /// The one of FFmpeg's encoders that legs are made with.
    var encoder: String {
        switch self {
        case .h264: "libx264"
        case .h265: "libx265"
        case .vp8: "libvpx"
        case .vp9: "libvpx-vp9"
        case .av1: "libsvtav1"
        }
    }
}

extension AudioCodec {
    /// The one of FFmpeg's encoders that legs are made with.
    var encoder: String {
        switch self {
        case .opus: "libopus"
        case .pcmu: "pcm_mulaw"
        case .pcma: "pcm_alaw"
        case .g722: "g722"
        }
    }
}
#endif
