#if Server
internal import FoundationEssentials

/// Where a supervised stream comes from, and how FFmpeg is told to read it.
struct StreamInput: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// A file: read in real time, over and over when it loops.
        case file(loops: Bool)
        /// RTSP, over TCP: what cameras lose over UDP shows as grey pictures.
        case rtsp
        /// A filter graph of FFmpeg's, in real time.
        case generated
        /// Anything else that FFmpeg opens.
        case live

        /// It goes on as long as its sender does.
        var isLive: Bool { self == .rtsp || self == .live }
    }

    /// What says when the next packet is read.
    enum Pace: Sendable, Hashable {
        /// The input: it has no more than what is due.
        case input
        /// The timestamps of a medium that has an end. FFmpeg would read it as fast as it comes.
        case timestamps
        /// The timestamps of one that grows by a segment at a time. FFmpeg begins a few segments before the newest one, and has those to go on with
        /// until the next one comes.
        case timestampsOfSegments
    }

    var url: String
    var kind: Kind
    /// Given by the operator, in front of `-i`, after ours: FFmpeg takes the last of two.
    var options: [String]
    /// So long it may be silent before FFmpeg is run again; zero: for ever.
    var staleTimeout: Duration

    init(url: String, loops: Bool = true, options: [String] = []) {
        self.url = url
        self.options = options
        staleTimeout = Self.isSegmented(url) ? Self.staleTimeoutOfSegments : Self.staleTimeout
        kind = Self.kind(of: url, loops: loops, options: options)
    }

    /// A filter graph, with pads named `out0` (video) and `out1` (audio).
    init(graph: String) {
        url = graph
        options = []
        kind = .generated
        staleTimeout = Self.staleTimeout
    }

    static let staleTimeout = Duration.seconds(10)
    /// A playlist names the next segment when it is whole; that takes 10 s in places.
    static let staleTimeoutOfSegments = Duration.seconds(30)

    private static func isSegmented(_ url: String) -> Bool {
        let path = url.prefix { $0 != "?" && $0 != "#" }.lowercased()
        return url.contains("://") && (path.hasSuffix(".m3u8") || path.hasSuffix(".mpd"))
    }

    /// FFmpeg opens a port and waits for somebody to send, for as long as that takes.
    var waitsForPublisher: Bool {
        let url = url.lowercased()
        if ["udp://", "rtp://"].contains(where: url.hasPrefix) { return true }
        if ["mode=listener", "?listen", "&listen"].contains(where: url.contains) { return true }
        return zip(options, options.dropFirst()).contains { option, value in
            option == "-listen" && value != "0" || option == "-mode" && value == "listener" || option == "-rtsp_flags" && value == "listen"
        }
    }

    /// - Parameter isCopy: the video is copied.
    func arguments(pace: Pace, isCopy: Bool) -> [String] {
        let ahead = (pace == .input ? [] : ["-re"]) + demuxing + options
        if isCopy, kind == .file(loops: true) { return ahead + loopForCopy }
        return ahead + ["-i", url]
    }

    var isFile: Bool {
        guard case .file = kind else { return false }
        return true
    }

    /// By what it is, and by what the probe says where that is not enough: a link may be a film, a list of segments, or a camera.
    func pace(of probe: MediaProbe) -> Pace {
        switch kind {
        case .file, .generated: return .timestamps
        case .rtsp: return .input
        case .live:
            guard let scheme, Self.storageSchemes.contains(scheme), !options.contains(where: Self.paceOptions.contains) else {
                return .input
            }
            if probe.duration != nil { return .timestamps }
            return probe.isSegmented ? .timestampsOfSegments : .input
        }
    }

    /// What FFmpeg's other protocols (RTMP, SRT, UDP …) carry comes when it is due, whatever length its header tells.
    private static let storageSchemes: Set<String> = ["http", "https", "ftp", "sftp", "smb", "ipfs", "ipns"]
    /// By which an operator says it.
    private static let paceOptions: Set<String> = ["-re", "-readrate"]

    private var scheme: String? { Self.scheme(of: url) }

    private static func scheme(of url: String) -> String? { url.firstRange(of: "://").map { url[..<$0.lowerBound].lowercased() } }

    /// A list of the one file, given to the concat demuxer. `-stream_loop` on the file itself ends the bitstream filter of a copied leg at
    /// the first loop, and with it the leg; the concat demuxer does what the filter is for, and needs none behind it.
    private var loopForCopy: [String] {
        let list = "ffconcat version 1.0\nfile '\(absoluteURL.replacing("'", with: #"'\''"#))'\n"
        let encoded = Data(list.utf8).base64EncodedString()
        return ["-f", "concat", "-safe", "0", "-protocol_whitelist", "file,crypto,data", "-i", "data:text/plain;base64,\(encoded)"]
    }

    private var absoluteURL: String {
        guard !url.lowercased().hasPrefix("file:") else { return url }
        return "file:" + (url.hasPrefix("/") ? url : FileManager.default.currentDirectoryPath + "/" + url)
    }

    /// What ffprobe needs to open the same thing: it knows no pace and no loop.
    var probeArguments: [String] {
        (kind == .rtsp ? ["-rtsp_transport", "tcp"] : []) + Self.withoutPace(options) + ["-i", url]
    }

    private var demuxing: [String] {
        switch kind {
        case .file(let loops): loops ? ["-stream_loop", "-1"] : []
        case .rtsp: ["-rtsp_transport", "tcp"]
        case .generated: ["-f", "lavfi"]
        case .live: []
        }
    }

    private static func kind(of url: String, loops: Bool, options: [String]) -> Kind {
        switch scheme(of: url) {
        case "rtsp", "rtsps": return .rtsp
        case "file": return .file(loops: loops)
        case .some: return .live
        // A device (`-f v4l2 -i /dev/video0`) has a path, but its own pace.
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
