#if Server
/// Finds out that a run of FFmpeg has come to a standstill. It judges by what viewers see too: packets that reach the engine. FFmpeg's own reports
/// don't count, since FFmpeg reports nothing when its connection is half open or when it is stopped.
///
/// Time between two looks hardly counts when it is long: when this machine slept, the input is not to blame.
struct StaleWatch: Sendable {
    /// The packets of each leg so far.
    struct Reading: Sendable, Hashable {
        var video: UInt64
        var audio: UInt64
    }

    enum Finding: Sendable, Hashable, CustomStringConvertible {
        /// No packets came, or none come any more.
        case nothing(for: Duration)
        /// One leg goes on without the other.
        case noVideo(for: Duration)
        case noAudio(for: Duration)

        var description: String {
            switch self {
            case .nothing(let quiet): "no media for \(Self.seconds(quiet)): the input is silent, or FFmpeg stands still"
            case .noVideo(let quiet): "no picture for \(Self.seconds(quiet)), while sound continues"
            case .noAudio(let quiet): "no sound for \(Self.seconds(quiet)), while the picture continues"
            }
        }

        private static func seconds(_ duration: Duration) -> String {
            let seconds = duration / .seconds(1)
            return "\(Int64(exactly: seconds).map { "\($0)" } ?? "\(seconds)") s"
        }
    }

    /// The additional time for FFmpeg before the first packet, to open an input and to examine it.
    static let openingTime = Duration.seconds(20)
    /// How often to look.
    static let interval = Duration.milliseconds(500)
    private static let stepMax = interval * 2

    private struct Leg {
        var packets: UInt64
        var hasFlowed = false
        var quiet = Duration.zero

        mutating func look(_ packets: UInt64, after step: Duration) {
            quiet += step
            guard packets != self.packets else { return }
            self.packets = packets
            hasFlowed = true
            quiet = .zero
        }
    }

    private let timeout: Duration
    private let waitsForPublisher: Bool
    private let watchesEachLeg: Bool
    private var video: Leg
    private var audio: Leg
    private var lastLook: ContinuousClock.Instant

    /// - Parameters:
    ///   - timeout: zero: a standstill is never reported.
    ///   - waitsForPublisher: nothing is reported before the first packet of the run.
    ///   - watchesEachLeg: a leg that has sent packets has to keep sending. Not for films, whose sound may end before the picture.
    ///   - reading: the packets when the run begins.
    init(timeout: Duration, waitsForPublisher: Bool, watchesEachLeg: Bool, reading: Reading, now: ContinuousClock.Instant) {
        self.timeout = timeout
        self.waitsForPublisher = waitsForPublisher
        self.watchesEachLeg = watchesEachLeg
        video = Leg(packets: reading.video)
        audio = Leg(packets: reading.audio)
        lastLook = now
    }

    /// Whether media has come in this run.
    var hasFlowed: Bool { video.hasFlowed || audio.hasFlowed }

    mutating func look(_ reading: Reading, now: ContinuousClock.Instant) -> Finding? {
        let step = min(now - lastLook, Self.stepMax)
        lastLook = now
        video.look(reading.video, after: step)
        audio.look(reading.audio, after: step)
        guard timeout > .zero else { return nil }
        let quiet = min(video.quiet, audio.quiet)
        guard hasFlowed else {
            return !waitsForPublisher && quiet >= timeout + Self.openingTime ? .nothing(for: timeout + Self.openingTime) : nil
        }
        if quiet >= timeout { return .nothing(for: timeout) }
        guard watchesEachLeg else { return nil }
        // The other leg goes on only if it still sends: where both have stopped, one had its last packet a little earlier.
        if video.hasFlowed, video.quiet >= timeout, audio.quiet == .zero { return .noVideo(for: timeout) }
        if audio.hasFlowed, audio.quiet >= timeout, video.quiet == .zero { return .noAudio(for: timeout) }
        return nil
    }
}
#endif
