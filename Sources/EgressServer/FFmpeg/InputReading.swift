#if Server
internal import Egress
internal import FoundationEssentials

/// How FFmpeg reads an input. It is decided by what the probe found in the input.
struct InputReading: Sendable, Hashable {
    /// What sets the pace at which packets are read.
    enum Pace: Sendable, Hashable {
        /// The input itself sets it: it has no more packets than are due.
        case input
        /// The timestamps of a medium that has an end. Otherwise FFmpeg would read it as fast as it can.
        case timestamps
        /// The timestamps of a medium that grows by a segment at a time. FFmpeg begins a few segments before the newest one, and plays those until
        /// the next one comes.
        case timestampsOfSegments
    }

    enum Turns: Sendable, Hashable {
        case one
        /// FFmpeg's `-stream_loop`. Up to version 6 a turn lasts as long as the sound, which squeezes the picture of a film whose sound ends first.
        /// At each turn it also ends the bitstream filter of a copied leg, and with it the leg.
        case byFFmpeg
        /// A list that names the film many times, for the concat demuxer. A turn lasts as long as its longest track, and the demuxer does the work of
        /// the bitstream filter. `-stream_loop` repeats the list every few hours.
        case byList
        /// The list once, and then FFmpeg is run again: at the list's end a bitstream filter that the demuxer does not do the work of would end its
        /// leg.
        case byListOnce
    }

    var pace = Pace.timestamps
    var turns = Turns.one
    /// How long one turn lasts; nil: not known.
    var duration: Duration?
    /// The picture rate of a still picture; nil: the input is not a still picture.
    var stillRate: Int?

    /// The picture rate of a still in a file, and of a still behind a link, which FFmpeg requests for each picture.
    static let stillRate = 5
    static let stillRateOfLinks = 2
}

extension InputReading {
    /// The same for legs that go through a bitstream filter.
    var throughFilter: InputReading {
        var reading = self
        switch turns {
        case .byFFmpeg: reading.turns = .one
        case .byList: reading.turns = .byListOnce
        case .one, .byListOnce: break
        }
        return reading
    }

    init(of input: StreamInput, probe: MediaProbe) {
        pace = Self.pace(of: input, probe)
        duration = probe.duration
        if probe.isStill, pace == .timestamps {
            stillRate = input.isOfStorage ? Self.stillRateOfLinks : Self.stillRate
        } else if input.loops, pace == .timestamps {
            turns = Self.turns(of: input, probe)
        }
    }

    /// The kind of input decides. Where it is not enough the probe decides: a link may be a film, a list of segments, or a camera.
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
            // Options for the link, for example headers, do not reach it through a list.
            return probe.duration != nil && input.options.isEmpty ? .byList : .one
        }
        // FFmpeg recognises a list's entries by their content, and the length of each turn has to be known.
        let isRecognised = !input.options.contains("-f") || probe.isContainer
        let isMeasured = probe.duration != nil || probe.isList
        return isRecognised && isMeasured && input.isRegularFile ? .byList : .byFFmpeg
    }
}

/// The list for a film that is played again and again.
enum FilmList {
    /// The kernel accepts 128 KiB as one argument, and base64 makes four bytes of three.
    static let sizeMax = 48 * 1024
    /// A day of turns is enough for one list.
    static let durationMax = Duration.seconds(86_400)
    static let turnsMax = 10_000
    /// The protocols that a list's entries may use. Protocols for links are not allowed for files: a playlist on the disk that uses one is refused.
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
