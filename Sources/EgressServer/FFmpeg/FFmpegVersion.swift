#if Server
/// Which FFmpeg this is, and with it what its options are called.
struct FFmpegVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    var major: Int
    var minor: Int

    /// One that is not known, as that of a build between two releases: it has what the newest has.
    static let newest = FFmpegVersion(major: .max, minor: .max)

    init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// From the first line of `ffmpeg -version`: `ffmpeg version 5.1.9-0+deb12u1 Copyright …`, `n7.1` where a distribution writes the tag.
    /// `N-112233-gabcdef`, `git-2025-01-02-…` and a date alone are builds between two releases.
    init(line: some StringProtocol) {
        let words = line.split(separator: " ")
        guard words.count >= 3, words[1] == "version" else {
            self = .newest
            return
        }
        let text = words[2].drop { $0 == "n" }
        let numbers = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }.split(separator: ".").map { Int($0, radix: 10) }
        guard let major = numbers.first ?? nil, major < 1_000 else {
            self = .newest
            return
        }
        self.init(major: major, minor: (numbers.dropFirst().first ?? nil) ?? 0)
    }

    var description: String { self == .newest ? "of an unknown version" : "\(major).\(minor)" }

    static func < (left: FFmpegVersion, right: FFmpegVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    private func isAtLeast(_ major: Int, _ minor: Int) -> Bool { self >= FFmpegVersion(major: major, minor: minor) }
}

extension FFmpegVersion {
    /// Of an output: how pictures get their times, "passthrough", "vfr" or "cfr".
    func frameTiming(_ mode: String) -> [String] { [isAtLeast(5, 1) ? "-fps_mode" : "-vsync", mode] }

    /// Of an RTSP input, in microseconds: after how long without data it ends with an error. Before 5.0 `-timeout` made it a server that waits.
    var rtspTimeoutOption: String { isAtLeast(5, 0) ? "-timeout" : "-stimeout" }

    /// Of any input that is read through a socket, in microseconds, as `tcp`, `http` and `rtmp`.
    var socketTimeoutOption: String { "-rw_timeout" }

    /// Whether its RTP muxer takes AV1.
    var packetizesAV1: Bool { isAtLeast(8, 0) }
}
#endif
