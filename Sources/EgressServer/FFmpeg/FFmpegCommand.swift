#if Server
internal import Egress

/// FFmpeg's command line: what it reads, and the legs that the start hook gave.
enum FFmpegCommand {
    static func arguments(input: StreamInput, pace: StreamInput.Pace, isCopy: Bool, legs: [ConfigIO]) -> [String] {
        ["-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats", "-progress", "pipe:1"]
            + input.arguments(pace: pace, isCopy: isCopy)
            + legs.flatMap { $0.options + [$0.address] }
    }
}
#endif
