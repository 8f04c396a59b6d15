#if Server
/// How many lines may be logged in a while, since FFmpeg writes some messages once per packet.
struct LineBudget: Sendable {
    static let window = Duration.seconds(10)
    static let linesMax = 20

    private var begin: ContinuousClock.Instant?
    private var spent = 0
    private var suppressed = 0

    /// Whether this line may be logged, and how many lines were left out since the last one, to be logged before it.
    mutating func spend(now: ContinuousClock.Instant) -> (isGranted: Bool, suppressed: Int) {
        if begin.map({ now - $0 >= Self.window }) ?? true {
            begin = now
            spent = 0
        }
        guard spent < Self.linesMax else {
            suppressed += 1
            return (false, 0)
        }
        spent += 1
        defer { suppressed = 0 }
        return (true, suppressed)
    }
}
#endif
