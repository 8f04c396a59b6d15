/// A stream at one moment.
public struct StreamStatus: Sendable, Hashable, Encodable {
    public enum State: String, Sendable, Hashable, Encodable {
        /// Nothing has arrived yet.
        case waiting
        case active
        /// Media stopped: the source said goodbye, or has been silent for a second.
        case inactive
    }

    /// The process' id.
    public var id: String
    public var videoPort: UInt16
    public var audioPort: UInt16
    public var hasVideo: Bool
    public var hasAudio: Bool
    public var state: State
    /// Viewers in any state.
    public var viewers: Int
    public var viewersConnected: Int
    /// `nil` before the first IDR with its sequence parameter set.
    public var format: VideoFormat?
    /// Browsers can't play B-frames: transcode this stream.
    public var hasBFrames: Bool
    /// The legs that were handed to the host.
    public var outputs: [ConfigIO]
    public var statistics: StreamStatistics
    /// What each of its encodings is like. `format`, `hasBFrames` and the video of `statistics` are the first one's.
    public var encodings: [EncodingStatus] = []

    private enum CodingKeys: String, CodingKey {
        case id, state, viewers, format, outputs, statistics, encodings
        case videoPort = "video_port"
        case audioPort = "audio_port"
        case hasVideo = "has_video"
        case hasAudio = "has_audio"
        case viewersConnected = "viewers_connected"
        case hasBFrames = "has_b_frames"
    }
}

/// One of a stream's encodings at one moment.
public struct EncodingStatus: Sendable, Hashable, Encodable {
    public var rid: String
    public var codec: VideoCodec
    /// The loopback port that its leg is sent to.
    public var port: UInt16
    /// Whether its packets arrive.
    public var isActive: Bool
    /// `nil` before its first key picture.
    public var format: VideoFormat?
    public var hasBFrames: Bool
    /// No key picture of its codec comes to its port: another codec is sent there, or hardly ever a key picture.
    public var hasOtherCodec: Bool
    /// In bit/s of payload, over the last second or so.
    public var bitRate: Int
    /// Between the last two key pictures.
    public var gopMilliseconds: Int
    /// The viewers that get it, in any state.
    public var viewers: Int

    private enum CodingKeys: String, CodingKey {
        case rid, codec, port, format, viewers
        case isActive = "active"
        case hasBFrames = "has_b_frames"
        case hasOtherCodec = "has_other_codec"
        case bitRate = "bit_rate"
        case gopMilliseconds = "gop_ms"
    }
}

/// Counters of a stream since it began.
public struct StreamStatistics: Sendable, Hashable, Encodable {
    public var video = SourceStatistics()
    public var audio = SourceStatistics()
    public var pictures: UInt64 = 0
    public var idrs: UInt64 = 0
    /// The time between the last two IDRs.
    public var gopMilliseconds = 0
    public var packetsSent: UInt64 = 0
    public var bytesSent: UInt64 = 0
    /// Switches of its viewers to an encoding of a higher bit rate, and to one of a lower.
    public var switchesUp: UInt64 = 0
    public var switchesDown: UInt64 = 0
    /// How long its viewers had sound alone because their link did not take the lowest encoding: of all viewers together.
    public var pausedSeconds = 0.0
    /// Dropped packets of the stream's sources, by reason.
    public var dropped: [String: UInt64] = [:]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case video, audio, pictures, idrs, dropped
        case gopMilliseconds = "gop_ms"
        case packetsSent = "packets_sent"
        case bytesSent = "bytes_sent"
        case switchesUp = "switches_up"
        case switchesDown = "switches_down"
        case pausedSeconds = "paused_s"
    }
}

/// Counters of one incoming RTP flow.
public struct SourceStatistics: Sendable, Hashable, Encodable {
    public var isActive = false
    public var packets: UInt64 = 0
    /// Bytes of payload.
    public var bytes: UInt64 = 0
    /// Sequence numbers that never came.
    public var lost: UInt64 = 0
    /// How often another sender took over.
    public var restarts: UInt64 = 0
    public var bytesStored: UInt64 = 0
    /// The bit rate of payload over the last second or so, in bit/s.
    public var bitRate = 0

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case packets, bytes, lost, restarts
        case isActive = "active"
        case bytesStored = "bytes_stored"
        case bitRate = "bit_rate"
    }
}
