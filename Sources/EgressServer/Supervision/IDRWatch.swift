#if Server
/// Finds out that copied video comes without IDR pictures, so that nobody can join it, whatever the input calls its keyframes. A film is examined
/// before it is copied. Of a live input only the headers are, so the rest shows only while it runs.
struct IDRWatch: Sendable {
    /// So much video without an IDR is too much. A film is allowed less, but many cameras send an IDR only every 4 s or more, and encoding their
    /// video would be costly.
    static let patience = Duration.seconds(10)
    private static let stepMax = Duration.seconds(1)

    private var idrs: UInt64
    private var packets: UInt64
    /// The time in which video came but no IDR.
    private var without = Duration.zero
    private var lastLook: ContinuousClock.Instant

    /// - Parameters: the counters when the run begins.
    init(idrs: UInt64, packets: UInt64, now: ContinuousClock.Instant) {
        self.idrs = idrs
        self.packets = packets
        lastLook = now
    }

    /// True when video has come for too long without an IDR.
    mutating func look(idrs: UInt64, packets: UInt64, now: ContinuousClock.Instant) -> Bool {
        let step = min(now - lastLook, Self.stepMax)
        lastLook = now
        // An input that is away has no IDR pictures either.
        if packets != self.packets { without += step }
        if idrs != self.idrs { without = .zero }
        self.idrs = idrs
        self.packets = packets
        return without >= Self.patience
    }
}
#endif
