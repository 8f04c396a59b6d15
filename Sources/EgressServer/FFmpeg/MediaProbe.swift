#if Server
internal import Egress
internal import FoundationEssentials

/// The part of ffprobe's output about an input that matters for the legs.
struct MediaProbe: Sendable, Hashable {
    struct Video: Sendable, Hashable {
        var index: Int
        var codec: String
        /// In ffprobe's words, as "Main 10" or "Profile 2".
        var profile: String?
        var pixelFormat: String?
        var width: Int?
        var height: Int?
        var hasBFrames = false
        var framesPerSecond: Double?
        /// The longest distance between two keyframes that was measured; nil when it was not.
        var gop: Duration?
        /// By how many degrees a player is told to rotate it.
        var rotation = 0
        /// "progressive", "tt", "bb", "tb" or "bt"; nil: not known.
        var fieldOrder: String?
        /// Whether some of the pictures that its header calls keyframes are not IDR pictures; with H.265, not random access pictures.
        var hasOtherKeyframes = false

        /// Whether its header is not enough to tell if it can be copied, or how fast its pictures come.
        var needsMeasuring: Bool { VideoCodec(ffmpegName: codec) != nil || framesPerSecond == nil }
        var isInterlaced: Bool { ["tt", "bb", "tb", "bt"].contains(fieldOrder) }
    }

    struct Audio: Sendable, Hashable {
        var index: Int
        var codec: String
    }

    var videos: [Video] = []
    var audios: [Audio] = []
    /// The demuxer's names, "mov,mp4,m4a,3gp,3g2,mj2".
    var formatName: String?
    /// The duration of the longest stream; nil: the input has no end, or ffprobe can't tell.
    var duration: Duration?

    /// Made of segments, each of which comes whole: HLS, DASH.
    /// A concat list.
    var isList: Bool { formatName == "concat" }

    /// Whether the input is a still picture. FFmpeg's demuxers for stills say that it lasts as long as one picture of a film, or don't know.
    var isStill: Bool {
        guard audios.isEmpty, let video = videos.first, let formatName else { return false }
        if formatName.hasSuffix("_pipe") { return true }
        guard formatName == "image2", let duration, let rate = video.framesPerSecond else { return false }
        return duration / .seconds(1) * rate < 1.5
    }

    /// The option for a still, whose demuxer shows it at the rate that it is told.
    mutating func show(atRate rate: Int) {
        for position in videos.indices { videos[position].framesPerSecond = Double(rate) }
    }

    /// Whether FFmpeg recognises the input by its content, whatever its name is.
    var isContainer: Bool {
        guard let names = formatName?.split(separator: ",") else { return false }
        return !Set(names).isDisjoint(with: ["mov", "matroska", "webm", "mpegts", "flv", "avi", "hls"])
    }

    var isSegmented: Bool { formatName == "hls" || formatName == "dash" }
}

extension MediaProbe {
    /// Reads the JSON output of `ffprobe -show_format -show_streams`.
    init(streamsJSON json: String) throws {
        let report = try Self.decoder.decode(StreamsReport.self, from: Data(json.utf8))
        formatName = report.format?.formatName
        duration = report.format?.duration.flatMap(Self.duration)
        for stream in report.streams {
            switch stream.codecType {
            // The cover picture of a music file is not sent as video.
            case "video" where stream.disposition?.attachedPic != 1:
                videos.append(
                    Video(
                        index: stream.index,
                        codec: stream.codecName ?? "unknown",
                        profile: stream.profile,
                        pixelFormat: stream.pixFmt,
                        width: stream.width,
                        height: stream.height,
                        hasBFrames: (stream.hasBFrames ?? 0) > 0,
                        framesPerSecond: Self.rate(stream.avgFrameRate) ?? Self.rate(stream.rFrameRate),
                        rotation: stream.rotation,
                        fieldOrder: stream.fieldOrder
                    ))
            case "audio": audios.append(Audio(index: stream.index, codec: stream.codecName ?? "unknown"))
            default: break
            }
        }
    }

    /// Adds what the first seconds of packets of one video stream show: JSON of `ffprobe -show_entries packet=pts_time,flags`.
    /// - Parameter idrs: the lines of FFmpeg's framecrc format for its IDR pictures; nil: what the container calls a keyframe counts as one.
    mutating func measure(packetsJSON json: String, idrs: [String]? = nil, ofVideoAt position: Int) throws {
        let packets = try Self.decoder.decode(PacketsReport.self, from: Data(json.utf8)).packets
        let times = packets.map { $0.ptsTime.flatMap { Double(finite: $0) } }
        // Packets come in decoding order: a presentation time that steps back is a reordered picture, whatever the header says.
        let known = times.compactMap { $0 }
        if zip(known, known.dropFirst()).contains(where: { $1 < $0 }) { videos[position].hasBFrames = true }

        guard let begin = known.min(), let end = known.max() else { return }
        if videos[position].framesPerSecond == nil, end > begin {
            videos[position].framesPerSecond = Self.sensible(Double(known.count - 1) / (end - begin), max: Self.measuredRateMax)
        }

        var keys = zip(packets, times).compactMap { packet, time in packet.flags?.hasPrefix("K") == true ? time : nil }
        if let idrs = idrs.map(Self.times) {
            // Near the end, the two readings may have ended at different packets.
            let compared = keys.filter { $0 < end - Self.unevenEnd }
            videos[position].hasOtherKeyframes = compared.contains { key in !idrs.contains { ($0 - key).magnitude < 0.002 } }
            if videos[position].hasOtherKeyframes { keys = idrs.isEmpty ? [begin] : idrs }
        }
        guard let first = keys.first else { return }
        // The last group counts as well: an input with one keyframe in ten seconds has no second one to measure against.
        let longest = zip(keys, keys.dropFirst() + [max(end, first)]).map { $1 - $0 }.max() ?? 0
        videos[position].gop = Duration(outsideSeconds: longest) ?? .outsideMax
    }

    private static let unevenEnd = 0.5

    /// The times of the pictures in framecrc output: a header `#tb 0: 1/15360`, then lines `stream, dts, pts, duration, size, checksum`.
    private static func times(_ lines: [String]) -> [Double] {
        var timeBase: Double?
        return lines.compactMap { line in
            if line.hasPrefix("#tb 0:") { timeBase = line.split(separator: " ").last.flatMap { ratio(String($0)) } }
            guard !line.hasPrefix("#"), let timeBase else { return nil }
            let fields = line.split(separator: ",")
            guard fields.count > 2, let pts = Double(finite: fields[2].drop { $0 == " " }) else { return nil }
            return pts * timeBase
        }
    }

    /// A higher value is not a picture rate but the resolution of the timestamps, like the 1,000 in a browser's recording.
    private static let toldRateMax = 120.0
    private static let measuredRateMax = 1_000.0

    private static func sensible(_ rate: Double, max: Double) -> Double? { rate > 0 && rate <= max ? rate : nil }

    private static func rate(_ text: String?) -> Double? { ratio(text).flatMap { sensible($0, max: toldRateMax) } }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    /// nil for a duration that no medium has: more than a century.
    private static func duration(_ text: String) -> Duration? {
        Double(finite: text).flatMap { $0 > 0 ? Duration(outsideSeconds: $0) : nil }
    }

    private static func ratio(_ text: String?) -> Double? {
        guard let parts = text?.split(separator: "/"), parts.count == 2, let over = Double(finite: parts[0]),
            let under = Double(finite: parts[1]),
            over > 0, under > 0
        else { return nil }
        return Double(finite: over / under)
    }

    private struct StreamsReport: Decodable {
        struct Format: Decodable {
            var formatName: String?
            var duration: String?
        }

        var streams: [Stream]
        var format: Format?
    }

    private struct Stream: Decodable {
        struct Disposition: Decodable { var attachedPic: Int? }
        struct SideData: Decodable { var rotation: Double? }
        /// Where FFmpeg before 5.0 has the rotation.
        struct Tags: Decodable { var rotate: String? }

        var index: Int
        var codecType: String?
        var codecName: String?
        var profile: String?
        var pixFmt: String?
        var width: Int?
        var height: Int?
        var hasBFrames: Int?
        var avgFrameRate: String?
        var rFrameRate: String?
        var disposition: Disposition?
        var fieldOrder: String?
        var sideDataList: [SideData]?
        var tags: Tags?

        /// Within 0..<360.
        var rotation: Int {
            let degrees = sideDataList?.compactMap(\.rotation).first ?? tags?.rotate.flatMap { Double(finite: $0) } ?? 0
            let turn = Int(saturating: degrees) % 360
            return turn < 0 ? turn + 360 : turn
        }
    }

    private struct PacketsReport: Decodable {
        struct Packet: Decodable {
            var ptsTime: String?
            var flags: String?
        }

        var packets: [Packet]
    }
}
#endif
