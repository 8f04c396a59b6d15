#if Server
internal import Egress

/// A report that FFmpeg writes for `-progress`: lines `key=value`, ended by the line `progress=continue` or `progress=end`.
struct FFmpegProgress: Sendable, Hashable {
    var frame: Int?
    var framesPerSecond: Double?
    var position: Duration?
    var droppedFrames: Int?
    var duplicatedFrames: Int?
    /// 1 is real time. A speed well below 1 means that the machine is too slow for what it has to encode.
    var speed: Double?
    var isLast = false
}

/// Collects lines into reports.
struct FFmpegProgressParser: Sendable {
    private var report = FFmpegProgress()

    /// Takes a line. Returns the report that the line ends, or nil. Values that can't be read are left out: FFmpeg writes "N/A" at times.
    mutating func parse(line: some StringProtocol) -> FFmpegProgress? {
        guard let equals = line.firstIndex(of: "=") else { return nil }
        let key = line[..<equals]
        let value = line[line.index(after: equals)...].drop { $0 == " " }
        switch key {
        case "frame": report.frame = Int(value, radix: 10)
        case "fps": report.framesPerSecond = Double(finite: value)
        case "out_time_us": report.position = Int64(value, radix: 10).flatMap { Duration(outsideMicroseconds: $0) }
        case "drop_frames": report.droppedFrames = Int(value, radix: 10)
        case "dup_frames": report.duplicatedFrames = Int(value, radix: 10)
        case "speed": report.speed = Double(finite: value.prefix { $0 != "x" })
        case "progress":
            report.isLast = value == "end"
            defer { report = FFmpegProgress() }
            return report
        default: break
        }
        return nil
    }
}
#endif
