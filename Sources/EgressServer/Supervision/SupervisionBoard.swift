#if Server
internal import Egress
internal import Synchronization

/// What is known about a supervised stream in addition to what the engine knows.
struct SupervisionStatus: Sendable, Hashable, Encodable {
    enum Phase: String, Sendable, Hashable, Encodable {
        case probing, starting, running, waiting, stopped
        /// It listens, and no publisher sends.
        case waitingForPublisher = "waiting_for_publisher"
    }

    var phase = Phase.probing
    /// How often FFmpeg was run.
    var runs = 0
    /// How the first encoding and the sound are made: "copying video: …", "encoding audio …".
    var decisions: [String] = []
    /// How each encoding is made.
    var encodings: [EncodingDecision] = []
    /// Why no media comes; nil while media comes.
    var problem: String?
    /// FFmpeg's speed over the whole run; 1 is real time.
    var speed: Double?
}

/// Which streams are supervised, and by which task. The supervisors write here; the HTTP routes read it and remove streams.
final class SupervisionBoard: Sendable {
    private struct Entry {
        var status = SupervisionStatus()
        /// nil before it begins.
        var task: Task<Void, Never>?
        /// Whether the stream is being removed and must not begin any more.
        var isLeaving = false
    }

    private let entries: Mutex<[String: Entry]>

    /// - Parameter ids: reserved from the start, so that no other stream takes one of them before its input is there.
    init(ids: some Sequence<String>) {
        entries = Mutex(Dictionary(ids.map { ($0, Entry()) }) { first, _ in first })
    }

    /// Supervises the stream by a task of its own.
    /// - Parameter threads: the threads that the task runs on.
    /// - Returns: nil when the stream has been removed already.
    func begin(_ id: String, on threads: WaitingThreads, _ supervise: @escaping @Sendable () async -> Void) -> Task<Void, Never>? {
        entries.withLock { entries in
            guard entries[id]?.isLeaving == false else { return nil }
            // A supervisor calls the engine, and may have to wait for it.
            let task = Task(executorPreference: threads) { await supervise() }
            entries[id]?.task = task
            return task
        }
    }

    /// Ends the supervision of a stream, then removes it. The order matters: until FFmpeg has ended and the stop hook has been called, no other
    /// stream may get the id.
    /// - Returns: Whether this call has removed the stream. Of several calls one does.
    func remove(_ id: String) async -> Bool {
        let task = entries.withLock { entries in
            entries[id]?.isLeaving = true
            return entries[id]?.task
        }
        task?.cancel()
        await task?.value
        return entries.withLock { $0.removeValue(forKey: id) != nil }
    }

    /// Has no effect for a stream that is not supervised.
    func update(_ id: String, _ change: (inout SupervisionStatus) -> Void) {
        entries.withLock { entries in
            guard var entry = entries[id] else { return }
            change(&entry.status)
            entries[id] = entry
        }
    }

    var all: [String: SupervisionStatus] { entries.withLock { $0.mapValues(\.status) } }

    func contains(_ id: String) -> Bool { entries.withLock { $0[id] != nil } }
}
#endif
