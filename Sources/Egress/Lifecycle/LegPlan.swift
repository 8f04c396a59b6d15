/// How the video leg is to be made. A host that has probed its input says so; else it follows from `force_transcode`.
public struct LegPlan: Sendable, Hashable {
    public enum Video: Sendable, Hashable {
        /// As it comes. Right for H.264, 8-bit 4:2:0, without B-frames, with an IDR every 2 s or so.
        case copy(bitstreamFilters: String)
        /// Encoded anew, with an IDR every 2 s.
        case transcode(framesPerSecond: Double?)
    }

    public var video: Video
    /// One slice per picture when encoding. Every slice ends in a short packet, and a short packet ends a run of equal ones, which is what the
    /// kernel sends in one go; but one slice means one thread, which has to be fast enough.
    public var singleSlice: Bool
    /// Further options of FFmpeg's for the video leg when it is encoded, as `-vf`, or `-fps_mode vfr` where it is known that this FFmpeg has it.
    public var options: [String] = []
    /// Legs that the configuration has and the input has nothing for at present. They are not made, but their ports are held:
    /// ``EgressEngine/changeLegs(of:plan:)`` adds them later.
    public var missing: Set<Leg> = []

    /// One of the two that a stream can have.
    public enum Leg: String, Sendable, Hashable, CaseIterable {
        case video, audio
    }

    public init(video: Video, singleSlice: Bool, options: [String] = []) {
        self.video = video
        self.singleSlice = singleSlice
        self.options = options
    }

    /// One slice per picture up to 1280 x 720 at 30 pictures a second; more, or unknown, is left to all threads.
    public init(video: Video, width: Int? = nil, height: Int? = nil, options: [String] = []) {
        self.init(video: video, singleSlice: Self.oneCoreSuffices(video, width, height), options: options)
    }

    /// Inserts the parameter sets at each IDR, which MP4 and FLV inputs don't have in-band; passes other inputs through.
    public static let defaultBitstreamFilters = "h264_mp4toannexb"

    public static let copy = LegPlan(video: .copy(bitstreamFilters: defaultBitstreamFilters))

    private static func oneCoreSuffices(_ video: Video, _ width: Int?, _ height: Int?) -> Bool {
        guard case .transcode(let framesPerSecond?) = video, let width, let height else { return false }
        return Double(width) * Double(height) * framesPerSecond <= 1280 * 720 * 30
    }
}
