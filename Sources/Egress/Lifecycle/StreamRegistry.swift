import Synchronization

/// Which process has which stream, and which session is which viewer. It has the tables of both, and the operations on several of them at once.
///
/// The tables have no locks. The only lock is here. It is held for dictionary updates and never during a call of anything else, so the engine's
/// thread may take it too.
final class StreamRegistry: Sendable {
    private struct State {
        var streams = StreamTable()
        var sessions = SessionTable()
        /// Viewers count towards a stream's limit before they have an id.
        var pending = PendingViewers()
        /// Viewers that are being made, and sessions that aren't connected.
        var connecting = ConnectingViewers()
        var counterOffers = CounterOffers()
        var teardownHook: (@Sendable (String) -> Void)?
    }

    private let state = Mutex(State())

    // MARK: Streams

    /// See ``StreamTable/reserve(_:)``.
    func reserve(_ id: String) throws(EgressError) {
        try state.withLock { state throws(EgressError) in try state.streams.reserve(id) }
    }

    func release(_ id: String) {
        state.withLock { $0.streams.release(id) }
    }

    /// False when the registry was closed in the meantime; the reservation is given back then.
    func activate(_ stream: ProcessStream) -> Bool {
        state.withLock { $0.streams.activate(stream) }
    }

    /// What a stop has removed.
    struct Removal: Sendable {
        let stream: ProcessStream
        let teardownHook: (@Sendable (String) -> Void)?
    }

    /// Removes a running stream: no viewer can join it any more. The stream and its sessions can be read until ``forget(_:now:)``. A start that is
    /// still under way is not stopped by this: the host calls one hook after the other.
    func remove(_ id: String) -> Removal? {
        state.withLock { state in
            state.streams.remove(id).map { Removal(stream: $0, teardownHook: state.teardownHook) }
        }
    }

    /// Ends the sessions of `id` that belong to a stream which has stopped. A stream that has begun under the same id since keeps its sessions.
    func endSessions(ofStopped id: String) {
        state.withLock { state in
            for stream in state.streams.stopped(id) { state.sessions.close(of: stream.engineID, .streamStopped) }
        }
    }

    /// The stream is gone from the engine too. Returns the sessions that went with it.
    @discardableResult
    func forget(_ stream: ProcessStream, now: ContinuousClock.Instant = .now) -> Set<String> {
        let ended = state.withLock { state in
            state.streams.forget(stream)
            let ended = state.sessions.remove(of: stream.engineID, .streamStopped, now: now)
            for session in ended where !session.isConnected { state.connecting.end(session.network) }
            return Set(ended.map(\.id))
        }
        for signal in stream.formatsKnown { signal.raise() }
        return ended
    }

    /// Refuses every further start and returns the ids that are left to stop.
    func close() -> [String] {
        state.withLock { $0.streams.close() }
    }

    /// Sets the legs that a stream has from now on.
    /// - Returns: Whether the stream is still running.
    func change(_ stream: ProcessStream, to config: WebRTCConfig, _ outputs: [ConfigIO]) -> Bool {
        state.withLock { $0.streams.change(stream, to: config, outputs) }
    }

    func setTeardownHook(_ hook: (@Sendable (String) -> Void)?) {
        state.withLock { $0.teardownHook = hook }
    }

    /// A running stream, else one that is being stopped.
    func stream(named id: String) -> ProcessStream? {
        state.withLock { $0.streams.known(id) }
    }

    func stream(withEngineID engineID: UInt64) -> ProcessStream? {
        state.withLock { $0.streams[engineID] }
    }

    /// Sorted by id.
    func streams() -> [ProcessStream] {
        state.withLock { $0.streams.all }.sorted { $0.id < $1.id }
    }

    // MARK: Viewers

    /// Counts a viewer that is about to be made. ``commitViewer(_:)`` or ``abandonViewer(of:from:)`` has to follow, with the same network.
    func reserveViewer(
        of stream: ProcessStream, max: Int, from network: ClientNetwork? = nil, connecting: ConnectingViewers.Limits = .init()
    ) throws(EgressError) {
        try state.withLock { state throws(EgressError) in
            guard state.streams.isRunning(stream) else { throw .streamNotFound(stream.id) }
            guard state.pending.count(of: stream.engineID) + state.sessions.count(of: stream.engineID) < max else {
                throw EgressError(.viewersPerStream, "process \"\(stream.id)\" has \(max) viewers, which is its limit")
            }
            try state.connecting.begin(network, connecting)
            state.pending.begin(stream.engineID)
        }
    }

    func abandonViewer(of stream: ProcessStream, from network: ClientNetwork? = nil) {
        state.withLock { state in
            state.pending.end(stream.engineID)
            state.connecting.end(network)
        }
    }

    /// False when the stream has stopped or the viewer has ended in the meantime.
    func commitViewer(_ session: ViewerSession) -> Bool {
        state.withLock { state in
            defer { state.pending.end(session.engineStream) }
            guard let stream = state.streams[session.engineStream], state.streams.isRunning(stream), !state.pending.hasEnded(session.viewer)
            else {
                state.connecting.end(session.network)
                return false
            }
            state.sessions.insert(session)
            return true
        }
    }

    func viewerConnected(_ viewer: UInt64) -> Subject? {
        state.withLock { state in
            guard let session = state.sessions.connect(viewer) else { return nil }
            if !session.isConnected { state.connecting.end(session.network) }
            return Subject(stream: session.stream, session: session.id)
        }
    }

    func viewerEnded(_ viewer: UInt64, _ reason: CloseReason, alert: TLSAlert? = nil, now: ContinuousClock.Instant = .now) -> Subject? {
        state.withLock { state in
            guard let session = state.sessions.remove(ofViewer: viewer, reason, alert: alert, now: now) else {
                state.pending.note(ended: viewer)
                return nil
            }
            if !session.isConnected { state.connecting.end(session.network) }
            let ending = ViewerEnding(reason, alert: alert, lasted: session.created.map { now - $0 })
            return Subject(stream: session.stream, session: session.id, ending: ending)
        }
    }

    /// `nil` for a viewer that has no session yet, or not any more.
    func session(ofViewer viewer: UInt64) -> Subject? {
        state.withLock { $0.sessions[viewer: viewer] }.map { Subject(stream: $0.stream, session: $0.id) }
    }

    /// The number of viewers that have an answer and no connection, including those that are being made.
    var viewersConnecting: Int { state.withLock { $0.connecting.all } }

    /// Viewers of a running stream that media flows to.
    func viewersConnected(of id: String) -> Int {
        state.withLock { state in
            guard let stream = state.streams.known(id) else { return 0 }
            return state.sessions.all(of: stream.engineID).count { $0.isConnected }
        }
    }

    // MARK: Sessions

    /// Marks a session for closing; `nil` when it does not exist, belongs to another stream, or another call is closing it.
    func takeSession(_ id: String, of stream: String?) -> ViewerSession? {
        state.withLock { $0.sessions.take(id, of: stream) }
    }

    func hasSession(_ id: String, of stream: String) -> Bool {
        session(id, of: stream) != nil
    }

    /// `nil` when the session does not exist, belongs to another stream, or is being closed.
    func session(_ id: String, of stream: String) -> ViewerSession? {
        state.withLock { $0.sessions.open(id, of: stream) }
    }

    func session(ofViewer viewerID: String, of stream: String) -> ViewerSession? {
        guard let viewer = UInt64(viewerID, radix: 16), viewer.hex == viewerID else { return nil }
        return state.withLock { $0.sessions.open(ofViewer: viewer, of: stream) }
    }

    func sessionIDs() -> [String] { state.withLock { $0.sessions.ids } }

    /// Sessions in the order of their viewers. Sessions that are being closed are left out.
    /// - Parameter viewer: returns sessions after this viewer.
    func sessions(of id: String, after viewer: UInt64) -> [ViewerSession] {
        let sessions = state.withLock { state in
            state.streams.known(id).map { state.sessions.all(of: $0.engineID) } ?? []
        }
        return sessions.filter { $0.viewer > viewer && !$0.isClosing }.sorted { $0.viewer < $1.viewer }
    }

    /// See ``SessionTable/ending(of:of:now:)``.
    func ending(of id: String, of stream: String, now: ContinuousClock.Instant = .now) -> ViewerEnding? {
        state.withLock { $0.sessions.ending(of: id, of: stream, now: now) }
    }

    func ending(ofViewer viewerID: String, of stream: String, now: ContinuousClock.Instant = .now) -> ViewerEnding? {
        guard let viewer = UInt64(viewerID, radix: 16), viewer.hex == viewerID else { return nil }
        return state.withLock { $0.sessions.ending(ofViewer: viewer, of: stream, now: now) }
    }

    /// Whether the session would have one more leg if it was made now.
    func lacksLeg(_ session: String) -> Bool {
        state.withLock { state in
            guard let session = state.sessions[session], let stream = state.streams[session.engineStream] else { return false }
            return session.lacksLeg(of: stream)
        }
    }

    /// Sessions of the stream that would have one more leg if they were made now.
    func sessionsThatLackALeg(of id: String) -> [String] {
        state.withLock { state in
            guard let stream = state.streams.running(id) else { return [] }
            return state.sessions.all(of: stream.engineID).filter { $0.lacksLeg(of: stream) }.map(\.id)
        }
    }

    /// See ``SessionTable/beginRestart(of:_:replacing:)``.
    func beginRestart(of id: String, _ stream: String, replacing tag: String) throws(EgressError) -> ViewerSession {
        try state.withLock { state throws(EgressError) in try state.sessions.beginRestart(of: id, stream, replacing: tag) }
    }

    /// - Parameter ice: `nil`: the ICE of before stays.
    func endRestart(of id: String, with ice: ViewerSession.ICE?) {
        state.withLock { $0.sessions.endRestart(of: id, with: ice) }
    }

    // MARK: Counter-offers

    /// False when too many counter-offers wait for an answer.
    func keep(_ offer: CounterOffer, now: ContinuousClock.Instant = .now) -> Bool {
        state.withLock { $0.counterOffers.keep(offer, now: now) }
    }

    func counterOffer(_ session: String, of stream: String, now: ContinuousClock.Instant = .now) -> CounterOffer? {
        state.withLock { $0.counterOffers.offer(session, of: stream, now: now) }
    }

    /// Takes the counter-offer, so that only one of several answers gets it.
    func takeCounterOffer(_ session: String) -> Bool {
        state.withLock { $0.counterOffers.take(session) }
    }
}
