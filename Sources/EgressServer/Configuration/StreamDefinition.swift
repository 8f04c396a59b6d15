#if Server
internal import Egress

/// A stream that this server makes itself: what FFmpeg reads, and how it is sent.
struct StreamDefinition: Sendable, Hashable {
    var id: String
    var input: StreamInput
    var webrtc: WebRTCConfig
    /// The word that its list of encodings is made by; nil: it is as configured.
    var automatic: AutomaticEncodings?

    /// [s]
    static let staleTimeoutMax = 86_400
    private static let fields: Set<String> = ["input", "input_options", "loop", "stale_timeout_seconds", "webrtc"]

    /// Reads `ID=INPUT`, the value of `--stream`. Only the first "=" separates them: URLs may have more.
    init(flag: String) throws(ConfigurationError) {
        let source = "--stream \(Secrets.mask(flag))"
        guard let equals = flag.firstIndex(of: "="), equals != flag.startIndex, flag.index(after: equals) != flag.endIndex else {
            throw ConfigurationError(source: source, field: nil, problem: "expected ID=INPUT")
        }
        let id = String(flag[..<equals])
        if let problem = StreamID.problem(with: id) { throw ConfigurationError(source: source, field: nil, problem: problem) }
        self.init(id: id, input: StreamInput(url: String(flag[flag.index(after: equals)...])))
    }

    init(id: String, input: StreamInput, webrtc: WebRTCConfig = WebRTCConfig()) {
        self.id = id
        self.input = input
        self.webrtc = webrtc
        self.webrtc.isEnabled = true
    }

    /// Reads one entry of "streams".
    init(id: String, json: JSONValue, source: String) throws(ConfigurationError) {
        let path = "streams.\(id)"
        if let problem = StreamID.problem(with: id) { throw ConfigurationError(source: source, field: path, problem: problem) }
        let fields = try JSONFields(json, source: source, path: path, known: Self.fields)
        guard let url = try fields.string("input"), !url.isEmpty else { throw fields.failure("input", "is missing") }
        var input = StreamInput(url: url, loops: try fields.bool("loop") ?? true, options: try fields.strings("input_options") ?? [])
        if let timeout = try fields.seconds("stale_timeout_seconds", max: Self.staleTimeoutMax) { input.staleTimeout = timeout }
        let block = try fields.values["webrtc"].map { value throws(ConfigurationError) in
            try WebRTCBlock(json: value, isOurs: true, source: source, path: fields.field("webrtc"))
        }
        self.init(id: id, input: input, webrtc: block?.config ?? WebRTCConfig())
        automatic = block?.automatic
    }

    /// What this FFmpeg lacks for it in any case, whatever its input turns out to be.
    func check(_ ffmpeg: FFmpegAbilities) throws(FFmpegTools.Unable) {
        if let lack = automatic?.lack(ffmpeg) { throw FFmpegTools.Unable(field: "streams.\(id).webrtc.encodings", lack: lack) }
        for (index, encoding) in webrtc.encodings.enumerated() {
            let isEncoded = input.kind == .generated || !encoding.asksOfAnEncoder.isEmpty
            let encoderLack = isEncoded ? ffmpeg.lack(encoding: encoding.codec) : nil
            guard let lack = ffmpeg.lack(sending: encoding.codec) ?? encoderLack else { continue }
            throw FFmpegTools.Unable(field: "streams.\(id).webrtc.encodings[\(index)].codec", lack: lack)
        }
    }
}
#endif
