/// FFmpeg's options for a picture that is encoded: fast, without B-frames, without look-ahead, parameter sets at each key picture.
struct VideoEncoder: Sendable {
    let encoding: Encoding
    let plan: LegPlan.Encoding
    /// Pictures a second, where that is known.
    let framesPerSecond: Double?
    /// Several encodings have to have their key pictures at the same times.
    let sharesKeyPictures: Bool

    var arguments: [String] {
        codec + rate + keyPictures + slices + threads
    }

    private var codec: [String] {
        switch encoding.codec {
        case .h264:
            ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-bf", "0"]
        case .h265: ["-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-forced-idr", "1", "-pix_fmt", "yuv420p"]
        case .vp8: ["-c:v", "libvpx"] + Self.vpx
        // FFmpeg calls its RTP packetiser of VP9, and that of AV1, experimental.
        case .vp9: ["-c:v", "libvpx-vp9", "-row-mt", "1"] + Self.vpx + ["-strict", "experimental"]
        case .av1: ["-c:v", "libsvtav1", "-preset", "10", "-pix_fmt", "yuv420p", "-strict", "experimental"]
        }
    }

    private static let vpx = [
        "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0", "-error-resilient", "1",
        "-pix_fmt", "yuv420p",
    ]

    /// libx264 and libx265 keep a quality where no bit rate is asked for. The others have none that would do.
    private var rate: [String] {
        let keepsQuality = encoding.codec == .h264 || encoding.codec == .h265
        guard encoding.bitRate > 0 || !keepsQuality else { return [] }
        let bitRate = encoding.bitRate > 0 ? encoding.bitRate : estimatedBitRate
        // Constant bit rate is the encoder's own mode for AV1, which takes no other bound. Half a second of it is what a key picture may take at
        // most: with more, it overflows a short queue in front of a link that is as wide as the encoding needs.
        let bound = encoding.codec == .av1 ? [] : ["-maxrate", String(bitRate), "-bufsize", String(bitRate / 2)]
        return ["-b:v", String(bitRate)] + bound
    }

    /// 2.5 Mbit/s for 1280 x 720 at 30 pictures a second, and in proportion.
    private var estimatedBitRate: Int {
        guard let pixels else { return 2_500_000 }
        return min(max(Int(saturating: pixels * (framesPerSecond ?? 30) * 0.09), 150_000), 20_000_000)
    }

    /// Of a picture, as far as the configuration and the plan tell.
    private var pixels: Double? {
        let input: (Double, Double)? =
            if let width = plan.width, let height = plan.height, width > 0, height > 0 { (Double(width), Double(height)) } else { nil }
        let aspect = input.map { $0.0 / $0.1 } ?? 16 / 9
        switch (encoding.width, encoding.height) {
        case (0, 0): return input.map { $0.0 * $0.1 }
        case (let width, 0): return Double(width) * Double(width) / aspect
        case (0, let height): return Double(height) * Double(height) * aspect
        case (let width, let height): return Double(width) * Double(height)
        }
    }

    // MARK: Key pictures

    private var gopSeconds: Double {
        Double(encoding.gopMilliseconds > 0 ? encoding.gopMilliseconds : Encoding.defaultGOPMilliseconds) / 1_000
    }

    /// By the times of the pictures, whatever their rate is. Where several encodings are made, at the first picture of each span of the timeline,
    /// which all of them know: also when their rates differ, and when times jump, forwards or back.
    private var keyPictures: [String] {
        let seconds = Self.number(gopSeconds)
        let expression =
            sharesKeyPictures
            ? "not(eq(floor(t/\(seconds)),floor(prev_forced_t/\(seconds))))" : "isnan(prev_forced_t)+gte(t,prev_forced_t+\(seconds))"
        let forced = ["-force_key_frames", "expr:\(expression)"]
        switch encoding.codec {
        case .h264: return distance + forced + ["-sc_threshold", "0"]
        case .h265:
            let distances = counted.map { "keyint=\($0):min-keyint=\($0)" } ?? "keyint=-1"
            return forced + ["-x265-params", "\(distances):scenecut=0:bframes=0:open-gop=0:repeat-headers=1:info=0:log-level=error"]
        case .vp8, .vp9: return distance + forced
        case .av1: return forced + ["-svtav1-params", "pred-struct=1:rc=2:lookahead=0:keyint=\(counted ?? -1)"]
        }
    }

    private var distance: [String] { counted.map { ["-g", String($0)] } ?? [] }

    /// In pictures, where their rate is known: times may jump back, and then stay below that of the last key picture for long. Encodings that share
    /// theirs go by the timeline alone.
    private var counted: Int? {
        guard let framesPerSecond, framesPerSecond > 0, framesPerSecond <= 1_000, !sharesKeyPictures else { return nil }
        return max(1, Int(saturating: framesPerSecond * gopSeconds))
    }

    /// The plan goes by the input's pictures, and these are smaller ones.
    private var isSmall: Bool {
        guard encoding.width != 0 || encoding.height != 0, let pixels, let framesPerSecond else { return false }
        return LegPlan.Encoding.oneCoreSuffices(pixelsPerSecond: pixels * framesPerSecond)
    }

    private var slices: [String] {
        (plan.singleSlice || isSmall) && encoding.codec == .h264 ? ["-x264-params", "sliced-threads=0:threads=1"] : []
    }

    /// The threads of libvpx's VP8 wait for each other by spinning: on a busy machine two of them take six times as long as one, which is fast
    /// enough for 1920 x 1080 at 30 pictures a second.
    private var threads: [String] {
        guard encoding.codec == .vp8, (pixels ?? 0) * (framesPerSecond ?? 30) <= 1_920 * 1_080 * 30 else { return [] }
        return ["-threads", "1"]
    }

    /// `2`, `2.5`.
    static func number(_ value: Double) -> String {
        Int(exactly: value).map { String($0) } ?? String(value)
    }
}
