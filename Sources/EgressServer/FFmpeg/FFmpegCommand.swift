#if Server
internal import Egress

/// FFmpeg's command line: what it reads, and the legs that the start hook returned.
enum FFmpegCommand {
    static func arguments(input: StreamInput, reading: InputReading, legs: [ConfigIO], version: FFmpegVersion = .newest) -> [String] {
        ["-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats", "-progress", "pipe:1"]
            + input.timeouts(version)
            + input.arguments(reading)
            + legs.flatMap { $0.options + [$0.address] }
    }

    /// The arguments for the log, with long ones cut.
    static func shown(_ arguments: [String]) -> String {
        arguments.map { $0.utf8.count > 4_096 ? "\($0.prefix(200))…" : $0 }.joined(separator: " ")
    }
}
#endif
