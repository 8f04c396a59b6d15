#if Server
/// Finds out that a segmented input which is read at the pace of its timestamps has run out of segments.
///
/// Once FFmpeg has had to wait for a segment, its clock stays ahead of the timestamps. From then on FFmpeg hands out each new segment at once, as if
/// nothing set its pace. The sign of it is that FFmpeg stays behind by the same time. A machine that is too slow falls behind more and more, and a
/// restart would not help it.
struct DryWatch: Sendable {
    /// Longer than a segment, since the position moves by a whole segment at a time.
    static let window = Duration.seconds(12)
    /// How far FFmpeg has to be behind; less may be noise in its reports.
    static let behindMin = Duration.seconds(1)
    /// How much that may differ from one window to the next.
    static let drift = Duration.milliseconds(500)

    private var start: ContinuousClock.Instant?
    private var windowEnd: ContinuousClock.Instant?
    /// The least that the clock was ahead of the position, in all and in this window and in the one before.
    private var least = Duration.zero
    private var leastOfWindow: Duration?
    private var leastBefore: Duration?

    /// Takes a report of FFmpeg's progress. True when FFmpeg should be restarted, some segments before the newest one.
    mutating func isDry(position: Duration, now: ContinuousClock.Instant) -> Bool {
        guard let start, let end = windowEnd else {
            self.start = now
            windowEnd = now + Self.window
            least = .zero - position
            return false
        }
        let ahead = now - start - position
        least = min(least, ahead)
        leastOfWindow = min(leastOfWindow ?? ahead, ahead)
        guard now >= end, let leastOfThis = leastOfWindow else { return false }
        defer {
            leastBefore = leastOfThis
            leastOfWindow = nil
            windowEnd = now + Self.window
        }
        guard let leastBefore, leastBefore - least > Self.behindMin, leastOfThis - least > Self.behindMin else { return false }
        return leastOfThis - leastBefore < Self.drift
    }
}
#endif
