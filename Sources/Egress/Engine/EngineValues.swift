/// What a viewer's offer came down to.
struct ViewerRequest: Sendable, Hashable {
    var iceUfrag: String
    var icePwd: String
    /// `sha-256 AB:CD:…`
    var fingerprint: String
    /// The encoding that it gets, by its place in the configuration.
    var videoEncoding = 0
    var videoPayloadType: UInt8?
    var videoRTXPayloadType: UInt8?
    var audioPayloadType: UInt8?
    /// The encodings that it may be switched among, by their places, `videoEncoding` among them; empty: it stays there.
    var ladder: [Int] = []
    /// The header extension that its transport-wide numbers go into, if it told of any.
    var transportCCID: UInt8?
    /// In bit/s; `nil`: no bound.
    var bitRateMax: Int?
    /// The engine's credentials, when the viewer knows them already from a counter-offer.
    var local: ICECredentials?
}

/// What the engine gave a viewer, for its answer.
struct ViewerIdentity: Sendable, Hashable {
    var viewer: UInt64
    var iceUfrag: String
    var icePwd: String
    var cname: String
    var videoSSRC: UInt32
    var videoRTXSSRC: UInt32
    var audioSSRC: UInt32
}

/// What the engine knows of a stream.
struct StreamReading: Sendable {
    var viewers: Int
    var viewersConnected: Int
    var format: VideoFormat?
    var hasBFrames: Bool
    var statistics: StreamStatistics
}

/// What the engine knows of one of a stream's encodings.
struct EncodingReading: Sendable {
    var isActive: Bool
    /// `nil` before its first key picture.
    var format: VideoFormat?
    var hasBFrames: Bool
    /// No key picture of its codec comes to its port.
    var hasOtherCodec = false
    var bitRate: Int
    var gopMilliseconds: Int
    /// In any state.
    var viewers: Int
}

/// What the engine knows of a viewer.
struct ViewerReading: Sendable {
    var state: ViewerStatus.State
    var remoteAddress: String?
    var age: Duration
    var packetsSent: UInt64
    var bytesSent: UInt64
    var packetsLost: UInt64
    var nacks: UInt64
    var pictureRequests: UInt64
    var roundTripMicroseconds: UInt32
    var jitterMicroseconds: UInt32
    /// By its place in the configuration.
    var encoding = 0
    /// 0: not known.
    var estimateBitRate = 0
    var switchesUp = 0
    var switchesDown = 0
    var switchReason: SwitchReason?
    var pinned: Int?
    var isPaused = false
    var pausedMilliseconds: UInt64 = 0
    var hasNoFeedback = false
}
