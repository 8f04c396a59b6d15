/// How the legs are to be made. A host that has probed its input chooses a plan; without one, `force_transcode` decides.
public struct LegPlan: Sendable, Hashable {
    public enum Video: Sendable, Hashable {
        /// The video is copied. Right for H.264, 8-bit 4:2:0, without B-frames, with an IDR every 2 s or so.
        case copy(bitstreamFilters: String)
        /// The video is encoded, with an IDR every 2 s.
        case transcode(framesPerSecond: Double?)
    }

    public var video: Video
    /// Whether the encoder makes one slice per picture. Every slice ends in a short packet, and a short packet ends a run of packets of equal size,
    /// which the kernel sends in one go. But one slice means one thread, which has to be fast enough.
    public var singleSlice: Bool
    /// Further FFmpeg options for the video leg when it is encoded, for example `-vf`, or `-fps_mode vfr` for an FFmpeg that is known to have it.
    public var options: [String] = []
    /// Legs of the configuration that the input has nothing for at present. They are not made, but their ports stay open:
    /// ``EgressEngine/changeLegs(of:plan:)`` adds them later.
    public var missing: Set<Leg> = []

    /// One of the two legs that a stream can have.
    public enum Leg: String, Sendable, Hashable, CaseIterable {
        case video, audio
    }

    public init(video: Video, singleSlice: Bool, options: [String] = []) {
        self.video = video
        self.singleSlice = singleSlice
        self.options = options
    }

    /// One slice per picture up to 1280 x 720 at 30 pictures a second. A larger or unknown format is encoded by all threads.
    public init(video: Video, width: Int? = nil, height: Int? = nil, options: [String] = []) {
        self.init(video: video, singleSlice: Self.oneCoreSuffices(video, width, height), options: options)
    }

    /// The filter inserts the parameter sets at each IDR, since MP4 and FLV inputs don't have them in-band. It passes other inputs through.
    public static let defaultBitstreamFilters = "h264_mp4toannexb"

    public static let copy = LegPlan(video: .copy(bitstreamFilters: defaultBitstreamFilters))

    private static func oneCoreSuffices(_ video: Video, _ width: Int?, _ height: Int?) -> Bool {
        guard case .transcode(let framesPerSecond?) = video, let width, let height else { return false }
        return Double(width) * Double(height) * framesPerSecond <= 1280 * 720 * 30
    }
}
