#if Server
/// Finds out whether media comes out of FFmpeg as fast as time passes. FFmpeg's own "speed" counts from its start, so that a slow second
/// there shows for a minute.
struct PaceMonitor: Sendable {
    static let window = Duration.seconds(10)
    /// Files are read to the frame, cameras drift a little.
    static let paceMin = 0.95

    private var begin: (now: ContinuousClock.Instant, position: Duration)?
    private var hasTold = false

    /// The pace of the window that ends with this report, when it is too slow; said once.
    mutating func slowPace(position: Duration, now: ContinuousClock.Instant) -> Double? {
        // A position that steps back is a loop's or a camera's new beginning.
        guard let begin, position >= begin.position else {
            begin = (now, position)
            return nil
        }
        let elapsed = now - begin.now
        guard elapsed >= Self.window else { return nil }
        self.begin = (now, position)
        let pace = (position - begin.position) / elapsed
        guard pace < Self.paceMin, !hasTold else { return nil }
        hasTold = true
        return pace
    }
}
#endif
