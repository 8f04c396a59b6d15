#if Server
internal import Egress

/// Whether video can go out as it is, as one codec.
struct CopyCheck: Sendable {
    let video: MediaProbe.Video
    let codec: VideoCodec

    /// The longest GOP that is copied: a viewer that has to resynchronise waits that long.
    static let gopMax = Duration.seconds(2)

    /// Why it cannot; nil when it can.
    var objection: String? {
        guard video.codec == codec.ffmpegName else { return "it is \(video.codec), not \(codec.name)" }
        if let objection = objectionToFormat { return objection }
        if video.hasBFrames { return "it has B-frames, which WebRTC cannot reorder" }
        if let objection = objectionToPictures { return objection }
        if let gop = video.gop, gop > Self.gopMax {
            return "a keyframe comes only every \(Self.seconds(gop)), and \(Self.seconds(Self.gopMax)) is the most"
        }
        return nil
    }

    /// Why it can.
    var praise: String {
        let gop = video.gop.map { "a keyframe at least every \(Self.seconds($0))" } ?? "keyframe distance not known"
        return switch codec {
        case .h264: "H.264, 8-bit 4:2:0, no B-frames, \(gop)"
        case .h265: "H.265, \(video.profile ?? "profile not known"), no B-frames, \(gop)"
        case .vp8: "VP8, \(gop)"
        case .vp9, .av1: "\(codec.name), \(video.profile ?? "profile not known"), \(gop)"
        }
    }

    // MARK: What browsers play

    private var objectionToFormat: String? {
        if let profiles, let profile = video.profile, !profiles.contains(profile) {
            return "its profile is \(profile), and browsers play \(profiles.joined(separator: " and "))"
        }
        guard let format = video.pixelFormat, !formats.contains(format) else { return nil }
        return "it is \(format), not \(formats.contains("yuv420p10le") ? "4:2:0 of 8 or 10 bits" : "8-bit 4:2:0")"
    }

    /// In ffprobe's words; nil: the pixel format says it all.
    private var profiles: [String]? {
        switch codec {
        case .h264, .vp8: nil
        case .h265: ["Main", "Main 10"]
        case .vp9: ["Profile 0", "Profile 2"]
        case .av1: ["Main"]
        }
    }

    private var formats: Set<String> {
        switch codec {
        case .h264: ["yuv420p", "yuvj420p"]
        case .vp8: ["yuv420p"]
        case .h265: ["yuv420p", "yuvj420p", "yuv420p10le"]
        case .vp9, .av1: ["yuv420p", "yuv420p10le"]
        }
    }

    /// Why the picture needs an encoder, or why a viewer that joins would have to wait; nil when neither is so.
    private var objectionToPictures: String? {
        if video.pixelFormat == nil, video.width ?? 0 == 0 {
            return "its parameter sets are neither in its header nor in its first pictures"
        }
        if video.rotation != 0 { return "it has to be rotated by \(video.rotation)°, which browsers can't be told" }
        if video.isInterlaced { return "it is interlaced, and browsers would show its two fields as a comb" }
        if video.hasOtherKeyframes {
            let name = codec == .h265 ? "random access pictures" : "IDR pictures"
            return "some of its keyframes are not \(name), and a viewer that joins can't begin with those"
        }
        return nil
    }

    private static func seconds(_ duration: Duration) -> String {
        let tenths = Int(saturating: duration / .milliseconds(100))
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
}
#endif
