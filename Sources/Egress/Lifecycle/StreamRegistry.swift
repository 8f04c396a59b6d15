import Synchronization

/// Which process has which stream, and which session is which viewer. One lock, held for dictionary updates and never while anything is
/// called, so the engine's thread may take it too.
final class StreamRegistry: Sendable {
    /// A stream that a process has.
    struct Stream: Sendable {
        let id: String
        let engineID: UInt64
        let ports: EngineHandle.StreamPorts
        /// What the process was started with: the legs that it can have.
        let base: WebRTCConfig
        /// The legs that it has at present.
        var config: WebRTCConfig
        var outputs: [ConfigIO]
        /// Raised when the engine has seen an IDR with its sequence parameter set, and when the stream is gone.
        let formatKnown = Signal()
    }

    struct Session: Sendable {
        let id: String
        let stream: String
        let engineStream: UInt64
        let viewer: UInt64
        /// Where its HTTP request came from.
        var client: String?
        var network: ClientNetwork?
        var ice = ICE()
        /// Legs that it asked for when the stream did not have them.
        var missed: Set<LegPlan.Leg> = []
        var isConnected = false
        /// Why it is being closed. Whoever closed it first has closed it; the engine's event follows.
        var closing: CloseReason?
        var isClosing: Bool { closing != nil }

        /// How an operator names it.
        var viewerID: String { viewer.hex }
    }

    /// What a session's ICE has come to: what a later request is held against.
    struct ICE: Sendable, Hashable {
        /// The viewer's.
        var remote = ICECredentials(ufrag: "", pwd: "")
        /// Changes with the engine's credentials.
        var entityTag = ""
        var section = SDPFragment.Section(media: "", mid: nil, bundle: [])
        /// One restart at a time: the engine's credentials and these have to be of the same one.
        var isRestarting = false
    }

    /// What a stop took out.
    struct Removal: Sendable {
        let stream: Stream
        let teardownHook: (@Sendable (String) -> Void)?
    }

    fileprivate enum Slot {
        /// A start is under way and holds the id.
        case reserved
        case running(Stream)
    }

    fileprivate struct State {
        var isClosed = false
        var teardownHook: (@Sendable (String) -> Void)?
        var slots: [String: Slot] = [:]
        /// Streams that are being stopped, until the engine has let go of them: they can be read, and nobody joins them.
        var stopping: [String: Stream] = [:]
        var streams: [UInt64: Stream] = [:]
        var sessions: [String: Session] = [:]
        var sessionsOfStream: [UInt64: Set<String>] = [:]
        var sessionOfViewer: [UInt64: String] = [:]
        var ended = EndedSessions()
        /// Viewers per stream that are being made: they count towards the limit before they have an id.
        var viewersPending: [UInt64: Int] = [:]
        /// Those that are being made, and sessions that aren't connected.
        var connecting = ConnectingViewers()
        /// Viewers whose end was reported before their making was; kept only while one is being made.
        var viewersEnded: Set<UInt64> = []
        /// By the session they will be.
        var counterOffers: [String: CounterOffer] = [:]
    }

    private let state = Mutex(State())

    // MARK: Streams

    /// Holds `id` until ``activate(_:)`` or ``release(_:)``.
    /// - Throws: ``EgressError/Code/streamExists`` for every start but the first.
    func reserve(_ id: String) throws(EgressError) {
        let error: EgressError? = state.withLock { state in
            if state.isClosed { return .shutDown }
            if state.slots[id] != nil {
                return EgressError(code: .streamExists, message: "webrtc: process \"\(id)\" already has an active stream")
            }
            state.slots[id] = .reserved
            return nil
        }
        if let error { throw error }
    }

    func release(_ id: String) {
        state.withLock { state in
            if case .reserved = state.slots[id] { state.slots[id] = nil }
        }
    }

    /// False when the registry was closed in the meantime; the reservation is given back then.
    func activate(_ stream: Stream) -> Bool {
        state.withLock { state in
            guard !state.isClosed else {
                state.slots[stream.id] = nil
                return false
            }
            state.slots[stream.id] = .running(stream)
            state.streams[stream.engineID] = stream
            return true
        }
    }

    /// Takes a running stream out: nobody joins it any more. It and its sessions can be read until ``forget(_:now:)``. A start that is still under
    /// way is not stopped by this: the host calls one hook after the other.
    func remove(_ id: String) -> Removal? {
        state.withLock { state in
            guard case .running(let stream) = state.slots[id] else { return nil }
            state.slots[id] = nil
            state.stopping[id] = stream
            return Removal(stream: stream, teardownHook: state.teardownHook)
        }
    }

    /// The stream is gone from the engine too. Gives the sessions that went with it.
    @discardableResult
    func forget(_ stream: Stream, now: ContinuousClock.Instant = .now) -> Set<String> {
        let ended = state.withLock { state in
            state.streams[stream.engineID] = nil
            if state.stopping[stream.id]?.engineID == stream.engineID { state.stopping[stream.id] = nil }
            let ended = state.sessionsOfStream.removeValue(forKey: stream.engineID) ?? []
            for session in ended {
                if let session = state.forget(session, .streamStopped, now) { state.sessionOfViewer[session.viewer] = nil }
            }
            return ended
        }
        stream.formatKnown.raise()
        return ended
    }

    /// Refuses every further start and gives the ids that are left to stop.
    func close() -> [String] {
        state.withLock { state in
            state.isClosed = true
            return state.slots.keys.sorted()
        }
    }

    /// Other legs for a stream, from now on.
    /// - Returns: Whether it is still running.
    func change(_ stream: Stream, to config: WebRTCConfig, _ outputs: [ConfigIO]) -> Bool {
        state.withLock { state in
            guard var running = state.running(stream.id), running.engineID == stream.engineID else { return false }
            running.config = config
            running.outputs = outputs
            state.slots[running.id] = .running(running)
            state.streams[running.engineID] = running
            return true
        }
    }

    /// Whether it would have a leg more if it was made now.
    func lacksLeg(_ session: String) -> Bool { state.withLock { $0.lacksLeg(session) } }

    /// Sessions of the stream that would have a leg more if they were made now.
    func sessionsThatLackALeg(of id: String) -> [String] {
        state.withLock { state in
            let sessions = state.running(id).flatMap { state.sessionsOfStream[$0.engineID] } ?? []
            return sessions.filter { state.lacksLeg($0) }
        }
    }

    func setTeardownHook(_ hook: (@Sendable (String) -> Void)?) {
        state.withLock { $0.teardownHook = hook }
    }

    func stream(named id: String) -> Stream? {
        state.withLock { $0.known(id) }
    }

    /// Sorted by id.
    func streams() -> [Stream] {
        state.withLock { state in Set(state.slots.keys).union(state.stopping.keys).compactMap { state.known($0) } }.sorted { $0.id < $1.id }
    }

    // MARK: Viewers

    /// Counts a viewer that is about to be made. ``commitViewer(_:)`` or ``abandonViewer(of:from:)`` has to follow, with the same network.
    func reserveViewer(
        of stream: Stream, max: Int, from network: ClientNetwork? = nil, connecting: ConnectingViewers.Limits = .init()
    ) throws(EgressError) {
        let error: EgressError? = state.withLock { state in
            guard state.isRunning(stream) else { return .streamNotFound(stream.id) }
            let pending = state.viewersPending[stream.engineID, default: 0]
            guard pending + (state.sessionsOfStream[stream.engineID]?.count ?? 0) < max else {
                return EgressError(.viewersPerStream, "process \"\(stream.id)\" has \(max) viewers, which is its limit")
            }
            do throws(EgressError) {
                try state.connecting.begin(network, connecting)
            } catch {
                return error
            }
            state.viewersPending[stream.engineID] = pending + 1
            return nil
        }
        if let error { throw error }
    }

    func abandonViewer(of stream: Stream, from network: ClientNetwork? = nil) {
        state.withLock { state in
            state.endPending(stream.engineID)
            state.connecting.end(network)
        }
    }

    /// Those that have an answer and no connection, also while they are being made.
    var viewersConnecting: Int { state.withLock { $0.connecting.all } }

    /// False when the stream has stopped or the viewer has ended in the meantime.
    func commitViewer(_ session: Session) -> Bool {
        state.withLock { state in
            defer { state.endPending(session.engineStream) }
            guard let stream = state.streams[session.engineStream], state.isRunning(stream), !state.viewersEnded.contains(session.viewer)
            else {
                state.connecting.end(session.network)
                return false
            }
            state.sessions[session.id] = session
            state.sessionsOfStream[session.engineStream, default: []].insert(session.id)
            state.sessionOfViewer[session.viewer] = session.id
            return true
        }
    }

    /// Marks a session for closing; `nil` when there is none, it belongs to another stream, or somebody else is closing it.
    func takeSession(_ id: String, of stream: String?) -> Session? {
        state.withLock { state in
            guard let session = state.sessions[id], !session.isClosing, stream == nil || session.stream == stream else { return nil }
            state.sessions[id]?.closing = .requested
            return session
        }
    }

    func hasSession(_ id: String, of stream: String) -> Bool {
        session(id, of: stream) != nil
    }

    /// `nil` when there is none, it belongs to another stream, or it is being closed.
    func session(_ id: String, of stream: String) -> Session? {
        state.withLock { $0.open(id, of: stream) }
    }

    /// Why a session is not there any more; `nil` for one that is, that never was, that belongs to another stream, or that ended long ago.
    func closeReason(of id: String, of stream: String, now: ContinuousClock.Instant = .now) -> CloseReason? {
        state.withLock { state in
            guard let session = state.sessions[id] else { return state.ended.reason(for: id, of: stream, now: now) }
            return session.stream == stream ? session.closing : nil
        }
    }

    /// In the order of their viewers; those that are being closed are left out.
    /// - Parameter viewer: those behind this one.
    func sessions(of id: String, after viewer: UInt64) -> [Session] {
        state.withLock { state in
            let sessions = state.known(id).flatMap { state.sessionsOfStream[$0.engineID] } ?? []
            return sessions.compactMap { state.sessions[$0] }.filter { $0.viewer > viewer && !$0.isClosing }
        }.sorted { $0.viewer < $1.viewer }
    }

    func session(ofViewer viewerID: String, of stream: String) -> Session? {
        guard let viewer = UInt64(viewerID, radix: 16), viewer.hex == viewerID else { return nil }
        return state.withLock { state in state.sessionOfViewer[viewer].flatMap { state.open($0, of: stream) } }
    }

    func sessionIDs() -> [String] { state.withLock { Array($0.sessions.keys) } }

    func changeCounterOffers<Result: Sendable>(_ body: @Sendable (inout [String: CounterOffer]) -> Result) -> Result {
        state.withLock { body(&$0.counterOffers) }
    }

    // MARK: ICE restarts

    /// Holds the session's ICE until ``endRestart(of:with:)``.
    /// - Parameter tag: the ICE session that is to be replaced.
    /// - Throws: ``EgressError/Code/notFound``; ``EgressError/Code/notActive`` when another restart is under way or was faster.
    func beginRestart(of id: String, _ stream: String, replacing tag: String) throws(EgressError) -> Session {
        let result: Result<Session, EgressError> = state.withLock { state in
            guard let session = state.open(id, of: stream) else { return .failure(.sessionNotFound) }
            guard !session.ice.isRestarting, session.ice.entityTag == tag else {
                return .failure(EgressError(code: .notActive, message: "another ICE restart came first: try again"))
            }
            state.sessions[id]?.ice.isRestarting = true
            return .success(session)
        }
        return try result.get()
    }

    /// - Parameter ice: `nil`: what was before stays.
    func endRestart(of id: String, with ice: ICE?) {
        state.withLock { state in
            if let ice { state.sessions[id]?.ice = ice }
            state.sessions[id]?.ice.isRestarting = false
        }
    }

    /// Ends the sessions of `id` that belong to a stream which has stopped. One that has begun under the same id since keeps its own.
    func endSessions(ofStopped id: String) {
        state.withLock { state in
            let running = state.running(id)?.engineID
            for stream in state.streams.values where stream.id == id && stream.engineID != running {
                for session in state.sessionsOfStream[stream.engineID] ?? [] { state.sessions[session]?.closing = .streamStopped }
            }
        }
    }

    /// Who an event is about.
    struct Subject: Sendable {
        let stream: String
        let session: String?
    }

    func stream(withEngineID engineID: UInt64) -> Stream? {
        state.withLock { $0.streams[engineID] }
    }

    func viewerConnected(_ viewer: UInt64) -> Subject? {
        state.withLock { state in
            guard let id = state.sessionOfViewer[viewer], let session = state.sessions[id] else { return nil }
            state.sessions[id]?.isConnected = true
            if !session.isConnected { state.connecting.end(session.network) }
            return Subject(stream: session.stream, session: id)
        }
    }

    /// Viewers of a running stream that media flows to.
    func viewersConnected(of id: String) -> Int {
        state.withLock { state in
            let sessions = state.known(id).flatMap { state.sessionsOfStream[$0.engineID] } ?? []
            return sessions.count { state.sessions[$0]?.isConnected == true }
        }
    }

    func viewerEnded(_ viewer: UInt64, _ reason: CloseReason, now: ContinuousClock.Instant = .now) -> Subject? {
        state.withLock { state in
            guard let id = state.sessionOfViewer.removeValue(forKey: viewer), let session = state.forget(id, reason, now) else {
                if !state.viewersPending.isEmpty { state.viewersEnded.insert(viewer) }
                return nil
            }
            state.sessionsOfStream[session.engineStream]?.remove(id)
            return Subject(stream: session.stream, session: id)
        }
    }
}

extension StreamRegistry.State {
    fileprivate func running(_ id: String) -> StreamRegistry.Stream? {
        guard case .running(let stream) = slots[id] else { return nil }
        return stream
    }

    /// A running stream, else one that is being stopped.
    fileprivate func known(_ id: String) -> StreamRegistry.Stream? { running(id) ?? stopping[id] }

    fileprivate func lacksLeg(_ session: String) -> Bool {
        guard let session = sessions[session], let stream = streams[session.engineStream], !session.isClosing else { return false }
        return !session.missed.isDisjoint(with: stream.config.legs)
    }

    fileprivate func open(_ id: String, of stream: String) -> StreamRegistry.Session? {
        sessions[id].flatMap { $0.stream == stream && !$0.isClosing ? $0 : nil }
    }

    fileprivate mutating func forget(_ id: String, _ reason: CloseReason, _ now: ContinuousClock.Instant) -> StreamRegistry.Session? {
        guard let session = sessions.removeValue(forKey: id) else { return nil }
        ended.add(id, of: session.stream, reason, now: now)
        if !session.isConnected { connecting.end(session.network) }
        return session
    }

    fileprivate func isRunning(_ stream: StreamRegistry.Stream) -> Bool {
        running(stream.id)?.engineID == stream.engineID
    }

    fileprivate mutating func endPending(_ stream: UInt64) {
        let count = viewersPending[stream, default: 1] - 1
        viewersPending[stream] = count > 0 ? count : nil
        if viewersPending.isEmpty { viewersEnded = [] }
    }
}

extension EgressError {
    static let sessionNotFound = EgressError(code: .notFound, message: "there is no such session, or not any more")

    static func streamNotFound(_ id: String) -> EgressError {
        EgressError(code: .notFound, message: "webrtc: process \"\(id)\" has no active stream")
    }
}
