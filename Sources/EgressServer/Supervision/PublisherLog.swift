#if Server
internal import FoundationEssentials

/// Reads what a listening FFmpeg writes about its publisher: reports of progress, and complaints.
///
/// FFmpeg's RTMP server lets every publisher in, and only warns when the name differs from the one in its address. Its SRT listener writes the
/// publisher's stream id and does not check it. Such publishers are refused here.
struct PublisherLog: Sendable {
    enum Finding: Sendable, Hashable {
        case nothing
        case progress
        case refusal(String)
        case complaint(String)
    }

    /// The value of `-loglevel`. FFmpeg writes stream ids only at "verbose". Each line then begins with its level, so that others can be left out.
    let level: String
    private(set) var isRefused = false
    /// How much has come.
    private(set) var position = Duration.zero
    private(set) var lastComplaint: String?
    private var last = Duration.zero
    private let streamID: String?
    private var parser = FFmpegProgressParser()

    init() {
        streamID = nil
        level = "warning"
    }

    init(of input: StreamInput) {
        streamID = Self.streamID(of: input)
        level = streamID == nil ? "warning" : "level+verbose"
    }

    mutating func read(_ line: String) -> Finding {
        if let report = parser.parse(line: line) {
            guard let position = report.position, position != last else { return .nothing }
            last = position
            self.position = max(self.position, position)
            return .progress
        }
        guard !Self.isOfReport(line), !isRefused else { return .nothing }
        if let reason = refusal(of: line) {
            isRefused = true
            return .refusal(reason)
        }
        guard streamID == nil || ["[warning]", "[error]", "[fatal]", "[panic]"].contains(where: line.contains) else { return .nothing }
        lastComplaint = line
        return .complaint(line)
    }

    private func refusal(of line: String) -> String? {
        if line.contains("Unexpected stream ") || line.contains("App field don't match up") {
            return "its application or key differs from the one in the address"
        }
        guard let streamID, let begin = line.firstRange(of: "accept streamid [")?.upperBound else { return nil }
        guard let end = line.lastIndex(of: "]"), begin <= end, line[begin..<end] == streamID else {
            return "its stream id differs from the one in the address"
        }
        return nil
    }

    /// Whether the line is `key=value` without a blank in the key.
    private static func isOfReport(_ line: String) -> Bool {
        guard let equals = line.firstIndex(of: "=") else { return false }
        return line[..<equals].utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
        }
    }

    /// The stream id that a publisher over SRT has to send, from the address or from an option.
    private static func streamID(of input: StreamInput) -> String? {
        guard input.url.lowercased().hasPrefix("srt:") else { return nil }
        if let option = Array(zip(input.options, input.options.dropFirst())).last(where: { ["-streamid", "-srt_streamid"].contains($0.0) })
        {
            return option.1
        }
        let query = input.url.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let field = query.split(separator: "&").first { $0.hasPrefix("streamid=") || $0.hasPrefix("srt_streamid=") }
        guard let value = field?.split(separator: "=", maxSplits: 1).dropFirst().first else { return nil }
        return Secrets.percentDecoded(String(value))
    }
}
#endif
