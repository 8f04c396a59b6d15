#if Server
internal import FoundationEssentials

/// Where a supervised stream comes from, and how FFmpeg is told to read it.
struct StreamInput: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// A file: read in real time, over and over when it loops.
        case file(loops: Bool)
        /// RTSP, over TCP: packets that cameras lose over UDP show as grey pictures.
        case rtsp
        /// A filter graph of FFmpeg's, in real time.
        case generated
        /// Anything else that FFmpeg opens.
        case live

        /// It goes on as long as its sender does.
        var isLive: Bool { self == .rtsp || self == .live }
    }

    var url: String
    var kind: Kind
    /// The operator's options. They go before `-i` and after the server's options, since FFmpeg takes the last of two.
    var options: [String]
    /// How long the input may be silent before FFmpeg is restarted; zero: for ever.
    var staleTimeout: Duration
    /// Whether an input that has an end is played again and again.
    var loops: Bool
    /// Of a path that was looked at: by which many may be opened, one after the other. See ``examined()``.
    var isRegularFile = false
    /// A named pipe. A reader that opens it takes away what its writer writes.
    var isFIFO = false

    init(url: String, loops: Bool = true, options: [String] = []) {
        self.url = url
        self.options = options
        self.loops = loops
        staleTimeout = Self.isSegmented(url) ? Self.staleTimeoutOfSegments : Self.staleTimeout
        kind = Self.kind(of: url, loops: loops, options: options)
    }

    /// A filter graph, with pads named `out0` (video) and `out1` (audio).
    init(graph: String) {
        url = graph
        options = []
        kind = .generated
        loops = false
        staleTimeout = Self.staleTimeout
    }

    /// A pipe that a ``PublisherRelay`` writes MPEG-TS to.
    init(pipe: String) {
        url = pipe
        kind = .live
        loops = false
        options = ["-probesize", "1000000", "-analyzeduration", "1000000", "-f", "mpegts"]
        staleTimeout = Self.staleTimeout
    }

    static let staleTimeout = Duration.seconds(10)
    /// A playlist names the next segment only when it is complete, which may take 10 s.
    static let staleTimeoutOfSegments = Duration.seconds(30)

    private static func isSegmented(_ url: String) -> Bool {
        let path = url.prefix { $0 != "?" && $0 != "#" }.lowercased()
        return url.contains("://") && (path.hasSuffix(".m3u8") || path.hasSuffix(".mpd"))
    }

    /// Whether FFmpeg opens a port and waits for a publisher, for as long as that takes.
    var waitsForPublisher: Bool {
        if isFIFO { return true }
        let url = url.lowercased()
        if ["udp://", "rtp://"].contains(where: url.hasPrefix) { return true }
        if ["mode=listener", "?listen", "&listen"].contains(where: url.contains) { return true }
        return zip(options, options.dropFirst()).contains { option, value in
            option == "-listen" && value != "0" || option == "-mode" && value == "listener" || option == "-rtsp_flags" && value == "listen"
        }
    }

    /// Whether FFmpeg may read something else at each run. A film does not change. For a sender that comes to the server, a probe would take the
    /// place of the run that it wants to send to.
    var mayChange: Bool {
        guard kind.isLive else { return false }
        return !waitsForPublisher || scheme == "udp" || scheme == "rtp"
    }

    func arguments(_ reading: InputReading) -> [String] {
        var arguments = reading.pace == .input ? [] : ["-re"]
        if reading.turns == .byFFmpeg || reading.turns == .byList { arguments += ["-stream_loop", "-1"] }
        if let rate = reading.stillRate { arguments += ["-loop", "1", "-framerate", "\(rate)"] }
        switch kind {
        case .rtsp: arguments += ["-rtsp_transport", "tcp"]
        case .generated: arguments += ["-f", "lavfi"]
        case .file, .live: break
        }
        arguments += options
        guard reading.turns == .byList || reading.turns == .byListOnce else { return arguments + ["-i", url] }
        let protocols = !isOfStorage ? FilmList.protocolsOfFiles : FilmList.protocolsOfLinks
        arguments += ["-f", "concat", "-safe", "0", "-protocol_whitelist", protocols]
        return arguments + ["-i", FilmList.address(of: isOfStorage ? url : absoluteURL, lasting: reading.duration)]
    }

    /// What has an end is a film, wherever it lies; for its legs it loops when the demuxer that gives them their bytes does.
    mutating func take(_ reading: InputReading) {
        guard kind != .generated, reading.pace == .timestamps else { return }
        kind = .file(loops: reading.turns == .byList)
    }

    var isFile: Bool {
        guard case .file = kind else { return false }
        return true
    }

    /// Whether the input is behind a link that gives its media as fast as it is read. Media over FFmpeg's other protocols (RTMP, SRT, UDP …) comes
    /// when it is due, whatever length its header has.
    var isOfStorage: Bool {
        guard let scheme = Self.scheme(of: url) else { return false }
        return ["http", "https", "ftp", "sftp", "smb", "ipfs", "ipns"].contains(scheme)
    }

    var scheme: String? { Self.scheme(of: url) }

    private static func scheme(of url: String) -> String? { url.firstRange(of: "://").map { url[..<$0.lowerBound].lowercased() } }

    private var absoluteURL: String {
        guard !url.lowercased().hasPrefix("file:") else { return url }
        return "file:" + (url.hasPrefix("/") ? url : FileManager.default.currentDirectoryPath + "/" + url)
    }

    /// The arguments with which ffprobe opens the same input. ffprobe has no pace and no loop.
    var probeArguments: [String] {
        (kind == .rtsp ? ["-rtsp_transport", "tcp"] : []) + Self.withoutPace(options) + ["-i", url]
    }

    private static func kind(of url: String, loops: Bool, options: [String]) -> Kind {
        switch scheme(of: url) {
        case "rtsp", "rtsps": return .rtsp
        case "file": return .file(loops: loops)
        case .some: return .live
        // A device (`-f v4l2 -i /dev/video0`) has a path, but sets its own pace.
        case nil: return url.hasPrefix("/dev/") || options.contains("-f") || url == "-" ? .live : .file(loops: loops)
        }
    }

    private static func withoutPace(_ options: [String]) -> [String] {
        var kept: [String] = []
        var index = options.startIndex
        while index < options.endIndex {
            switch options[index] {
            case "-re": index += 1
            case "-stream_loop", "-readrate": index += 2
            default:
                kept.append(options[index])
                index += 1
            }
        }
        return kept
    }
}
#endif
