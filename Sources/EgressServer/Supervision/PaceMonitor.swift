#if Server
/// Finds out whether media comes out of FFmpeg as fast as time passes. FFmpeg's own "speed" counts from its start, so that a slow second
/// there shows for a minute.
struct PaceMonitor: Sendable {
    static let window = Duration.seconds(10)
    /// Files are read at the exact pace, but cameras drift a little.
    static let paceMin = 0.95
    /// The load of all cores. Below it the machine is not the reason: the input itself came late.
    static let loadMin = 0.9

    private var begin: (now: ContinuousClock.Instant, position: Duration, load: MachineLoad?)?
    private var hasTold = false

    /// The pace of the window that ends with this report, when it is too slow and the machine is the reason. It is returned once. A source that was
    /// away for a part of the window does not make the machine too slow.
    mutating func slowPace(position: Duration, now: ContinuousClock.Instant, load: MachineLoad?) -> Double? {
        // A position that steps back means that a loop or a camera has begun again.
        guard let begin, position >= begin.position else {
            begin = (now, position, load)
            return nil
        }
        let elapsed = now - begin.now
        guard elapsed >= Self.window else { return nil }
        self.begin = (now, position, load)
        let pace = (position - begin.position) / elapsed
        guard pace < Self.paceMin, !hasTold, let load, let before = begin.load, load.share(since: before) >= Self.loadMin else {
            return nil
        }
        hasTold = true
        return pace
    }
}
#endif
