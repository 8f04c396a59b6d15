#if Server
internal import Egress

/// A test pattern with a clock, a flash and a beep, made by FFmpeg, for a machine that has nothing else to show.
///
/// The white box and the 1 kHz beep come together, in the first tenth of every second; the clock shows the time of day in UTC with
/// milliseconds, so that another clock beside it shows the delay.
enum DemoInput {
    static let width = 1280
    static let height = 720
    static let framesPerSecond = 30

    /// - Parameter hasClock: false where FFmpeg was built without `drawtext` or finds no font: the pattern has a counter of its own.
    static func graph(hasClock: Bool) -> String {
        let flash = "drawbox=x=iw-220:y=20:w=200:h=200:color=white:t=fill:enable='lt(mod(t,1),0.1)'"
        let video = ["testsrc2=size=\(width)x\(height):rate=\(framesPerSecond)", flash] + (hasClock ? [clock] : [])
        let beep = "aevalsrc=exprs='0.3*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':channel_layout=mono:sample_rate=48000"
        return "\(video.joined(separator: ","))[out0];\(beep)[out1]"
    }

    /// H.264, and VP8 for browsers without it. Where this FFmpeg lacks one of the two, the other. Both are made of one picture.
    static func encodings(_ ffmpeg: FFmpegAbilities) -> [Encoding] {
        let codecs = [VideoCodec.h264, .vp8].filter(ffmpeg.makes)
        // Where it lacks both, the check at the start says so.
        return (codecs.isEmpty ? [.h264] : codecs).map { Encoding(rid: $0.rawValue, codec: $0) }
    }

    /// Draws one picture with the clock. Exit status 0 means that this FFmpeg can draw it.
    static var clockTrial: [String] {
        ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=size=320x180,\(clock)", "-frames:v", "1", "-f", "null", "-"]
    }

    private static let clock =
        #"drawtext=text='%{gmtime\:%H\\\:%M\\\:%S.%3N}':fontsize=96:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=16"#
        + ":x=(w-tw)/2:y=h-160"
}
#endif
