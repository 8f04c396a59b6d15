import Glibc

/// The time of day. The only use of it is to tell FFmpeg's outputs when the process began.
public enum WallClock {
    /// Since 1970.
    public static func microseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
    }
}
