#if Server
internal import Egress
internal import FoundationEssentials

/// How FFmpeg reads an input, decided with what the probe found in it.
struct InputReading: Sendable, Hashable {
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

    enum Turns: Sendable, Hashable {
        case one
        /// FFmpeg's `-stream_loop`. Up to version 6 a turn lasts as long as its sound does, which squeezes the picture of a film whose sound ends
        /// first; and at each turn it ends the bitstream filter of a copied leg, and with it the leg.
        case byFFmpeg
        /// A list that names the film again and again, for the concat demuxer: a turn lasts as long as its longest track, and the demuxer does what
        /// the bitstream filter is for. The list is repeated by `-stream_loop`, every few hours.
        case byList
    }

    var pace = Pace.timestamps
    var turns = Turns.one
    /// Of one turn; nil: not known.
    var duration: Duration?
    /// Pictures a second of one that does not move; nil: it moves.
    var stillRate: Int?

    /// Of a still in a file; and of one behind a link, which FFmpeg asks for each time.
    static let stillRate = 5
    static let stillRateOfLinks = 2
}

extension InputReading {
    init(of input: StreamInput, probe: MediaProbe) {
        pace = Self.pace(of: input, probe)
        duration = probe.duration
        if probe.isStill, pace == .timestamps {
            stillRate = input.isOfStorage ? Self.stillRateOfLinks : Self.stillRate
        } else if input.loops, pace == .timestamps {
            turns = Self.turns(of: input, probe)
        }
    }

    /// By what it is, and by what the probe says where that is not enough: a link may be a film, a list of segments, or a camera.
    private static func pace(of input: StreamInput, _ probe: MediaProbe) -> Pace {
        switch input.kind {
        case .file: return probe.isSegmented && probe.duration == nil ? .timestampsOfSegments : .timestamps
        case .generated: return .timestamps
        case .rtsp: return .input
        case .live:
            guard input.isOfStorage, !input.options.contains(where: paceOptions.contains) else { return .input }
            if probe.duration != nil || probe.isStill { return .timestamps }
            return probe.isSegmented ? .timestampsOfSegments : .input
        }
    }

    /// By which an operator says it.
    private static let paceOptions: Set<String> = ["-re", "-readrate"]

    private static func turns(of input: StreamInput, _ probe: MediaProbe) -> Turns {
        guard !input.isOfStorage else {
            // Options for the link (headers, say) do not reach it through a list.
            return probe.duration != nil && input.options.isEmpty ? .byList : .one
        }
        // A list's entries are opened by what is in them, and each turn's length has to be known.
        let isRecognised = !input.options.contains("-f") || probe.isContainer
        let isMeasured = probe.duration != nil || probe.isList
        return isRecognised && isMeasured && input.isRegularFile ? .byList : .byFFmpeg
    }
}

/// The list of a film that is played again and again.
enum FilmList {
    /// The kernel takes 128 KiB as one argument, and base64 makes four bytes of three.
    static let sizeMax = 48 * 1024
    /// Nobody sees what happens after a day of turns.
    static let durationMax = Duration.seconds(86_400)
    static let turnsMax = 10_000
    /// What the entries of a list may be read by. Those for links are not for files: a playlist on the disk that names one is refused.
    static let protocolsOfFiles = "file,crypto,data"
    static let protocolsOfLinks = "crypto,data,http,https,httpproxy,tcp,tls,ftp"

    /// An address for `-i`.
    static func address(of url: String, lasting duration: Duration?) -> String {
        let entry = "file '\(url.replacing("'", with: #"'\''"#))'\n"
        var turns = min(turnsMax, sizeMax / entry.utf8.count)
        if let duration { turns = min(turns, Int(saturating: (durationMax / max(duration, .seconds(1))).rounded(.up))) }
        let list = "ffconcat version 1.0\n" + String(repeating: entry, count: max(1, turns))
        return "data:text/plain;base64," + Data(list.utf8).base64EncodedString()
    }
}
#endif
