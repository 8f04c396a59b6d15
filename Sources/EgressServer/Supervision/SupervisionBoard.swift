#if Server
internal import Synchronization

/// What is known about a supervised stream beside what the engine knows.
struct SupervisionStatus: Sendable, Hashable, Encodable {
    enum Phase: String, Sendable, Hashable, Encodable {
        case probing, starting, running, waiting, stopped
    }

    var phase = Phase.probing
    /// How often FFmpeg was run.
    var runs = 0
    /// "copying video: …", "encoding audio …".
    var decisions: [String] = []
    /// Why it is not running, when it is not.
    var problem: String?
    /// FFmpeg's, over the whole run; 1 is real time.
    var speed: Double?
}

/// The supervisors write here, the HTTP routes read.
final class SupervisionBoard: Sendable {
    private let entries: Mutex<[String: SupervisionStatus]>

    /// - Parameter ids: Known from the start, so that nobody else takes one of them before its input is there.
    init(ids: some Sequence<String>) {
        entries = Mutex(Dictionary(ids.map { ($0, SupervisionStatus()) }) { first, _ in first })
    }

    func update(_ id: String, _ change: (inout SupervisionStatus) -> Void) {
        entries.withLock { change(&$0[id, default: SupervisionStatus()]) }
    }

    var all: [String: SupervisionStatus] { entries.withLock { $0 } }

    func contains(_ id: String) -> Bool { entries.withLock { $0[id] != nil } }
}
#endif
