/// How the video legs are to be made. A host that has probed its input says so; else it follows from the configuration.
public struct LegPlan: Sendable, Hashable {
    public enum Video: Sendable, Hashable {
        /// As it comes. Right for what browsers play, without B-frames and with a key picture every 2 s or so: of H.264 and H.265 what is 4:2:0.
        case copy(bitstreamFilters: String)
        /// Encoded anew, with a key picture every 2 s, or as often as its encoding says.
        case transcode(framesPerSecond: Double?)
    }

    /// How one encoding is made.
    public struct Encoding: Sendable, Hashable {
        public var video: Video
        /// One slice per picture when encoding. Every slice ends in a short packet, and a short packet ends a run of equal ones, which is what the
        /// kernel sends in one go; but one slice means one thread, which has to be fast enough.
        public var singleSlice: Bool
        /// Further options of FFmpeg's for its leg when it is encoded, as `-vf`, or `-fps_mode vfr` where it is known that this FFmpeg has it.
        /// Encodings that are made from one map share the first one's `-vf`.
        public var options: [String]
        /// The size of its pictures in pixels, as far as it is known: what the bit rate follows from where the configuration has none.
        public var width: Int?
        public var height: Int?

        public init(video: Video, singleSlice: Bool, options: [String] = [], width: Int? = nil, height: Int? = nil) {
            self.video = video
            self.singleSlice = singleSlice
            self.options = options
            self.width = width
            self.height = height
        }

        /// One slice per picture up to 1280 x 720 at 30 pictures a second; more, or unknown, is left to all threads.
        public init(video: Video, width: Int? = nil, height: Int? = nil, options: [String] = []) {
            self.init(
                video: video, singleSlice: Self.oneCoreSuffices(video, width, height), options: options, width: width, height: height)
        }

        public static let copy = Encoding(video: .copy(bitstreamFilters: defaultBitstreamFilters))

        package var isCopy: Bool {
            if case .copy = video { true } else { false }
        }

        private static func oneCoreSuffices(_ video: Video, _ width: Int?, _ height: Int?) -> Bool {
            guard case .transcode(let framesPerSecond?) = video, let width, let height else { return false }
            return oneCoreSuffices(pixelsPerSecond: Double(width) * Double(height) * framesPerSecond)
        }

        static func oneCoreSuffices(pixelsPerSecond: Double) -> Bool { pixelsPerSecond <= 1280 * 720 * 30 }
    }

    /// Of the first encoding.
    public var first: Encoding
    /// Of further encodings, by their rid. What is not named is copied where its configuration says `copy`, else encoded.
    public var further: [String: Encoding] = [:]
    /// Legs that the configuration has and the input has nothing for at present. They are not made, but their ports are held:
    /// ``EgressEngine/changeLegs(of:plan:)`` adds them later.
    public var missing: Set<Leg> = []

    /// One of the two legs that a stream can have.
    public enum Leg: String, Sendable, Hashable, CaseIterable {
        case video, audio
    }

    public init(first: Encoding, further: [String: Encoding] = [:]) {
        self.first = first
        self.further = further
    }

    public init(video: Video, singleSlice: Bool, options: [String] = []) {
        first = Encoding(video: video, singleSlice: singleSlice, options: options)
    }

    /// One slice per picture up to 1280 x 720 at 30 pictures a second. A larger or unknown format is encoded by all threads.
    public init(video: Video, width: Int? = nil, height: Int? = nil, options: [String] = []) {
        first = Encoding(video: video, width: width, height: height, options: options)
    }

    public var video: Video {
        get { first.video }
        set { first.video = newValue }
    }

    public var singleSlice: Bool {
        get { first.singleSlice }
        set { first.singleSlice = newValue }
    }

    public var options: [String] {
        get { first.options }
        set { first.options = newValue }
    }

    /// The filter inserts the parameter sets at each IDR, since MP4 and FLV inputs don't have them in-band. It passes other inputs through.
    public static let defaultBitstreamFilters = "h264_mp4toannexb"

    public static let copy = LegPlan(first: .copy)

    /// What makes an encoding's packets fit for RTP when it is copied; empty: nothing is needed.
    public static func bitstreamFilters(for codec: VideoCodec) -> String {
        switch codec {
        case .h264: defaultBitstreamFilters
        case .h265: "hevc_mp4toannexb"
        case .vp8, .vp9, .av1: ""
        }
    }
}
