/// The sessions by their ids, streams and viewers, and for a while the reasons why the last sessions ended.
struct SessionTable: Sendable {
    private var sessions: [String: ViewerSession] = [:]
    private var idsOfStream: [UInt64: Set<String>] = [:]
    private var idOfViewer: [UInt64: String] = [:]
    private var ended = EndedSessions()

    // MARK: A session's life

    mutating func insert(_ session: ViewerSession) {
        sessions[session.id] = session
        idsOfStream[session.engineStream, default: []].insert(session.id)
        idOfViewer[session.viewer] = session.id
    }

    /// - Returns: The session as it was before; `nil` when it does not exist.
    mutating func connect(_ viewer: UInt64) -> ViewerSession? {
        guard let id = idOfViewer[viewer], let session = sessions[id] else { return nil }
        sessions[id]?.isConnected = true
        return session
    }

    /// Marks a session for closing; `nil` when it does not exist, belongs to another stream, or another call is closing it.
    mutating func take(_ id: String, of stream: String?) -> ViewerSession? {
        guard let session = sessions[id], !session.isClosing, stream == nil || session.stream == stream else { return nil }
        sessions[id]?.closing = .requested
        return session
    }

    /// Marks every session of a stream for closing.
    mutating func close(of engineStream: UInt64, _ reason: CloseReason) {
        for id in idsOfStream[engineStream] ?? [] { sessions[id]?.closing = reason }
    }

    mutating func remove(ofViewer viewer: UInt64, _ reason: CloseReason, alert: TLSAlert? = nil, now: ContinuousClock.Instant)
        -> ViewerSession?
    {
        idOfViewer[viewer].flatMap { remove($0, reason, alert, now) }
    }

    mutating func remove(of engineStream: UInt64, _ reason: CloseReason, now: ContinuousClock.Instant) -> [ViewerSession] {
        (idsOfStream.removeValue(forKey: engineStream) ?? []).compactMap { remove($0, reason, nil, now) }
    }

    private mutating func remove(_ id: String, _ reason: CloseReason, _ alert: TLSAlert?, _ now: ContinuousClock.Instant) -> ViewerSession?
    {
        guard let session = sessions.removeValue(forKey: id) else { return nil }
        idsOfStream[session.engineStream]?.remove(id)
        idOfViewer[session.viewer] = nil
        ended.add(session, ViewerEnding(reason, alert: alert, lasted: session.created.map { now - $0 }), now: now)
        return session
    }

    // MARK: Looking up

    /// Finds also a session that is being closed.
    subscript(id: String) -> ViewerSession? { sessions[id] }

    /// Likewise.
    subscript(viewer viewer: UInt64) -> ViewerSession? { idOfViewer[viewer].flatMap { sessions[$0] } }

    var ids: [String] { Array(sessions.keys) }

    /// `nil` when the session does not exist, belongs to another stream, or is being closed.
    func open(_ id: String, of stream: String) -> ViewerSession? {
        sessions[id].flatMap { $0.stream == stream && !$0.isClosing ? $0 : nil }
    }

    func open(ofViewer viewer: UInt64, of stream: String) -> ViewerSession? {
        idOfViewer[viewer].flatMap { open($0, of: stream) }
    }

    /// All sessions in no particular order, including those that are being closed.
    func all(of engineStream: UInt64) -> [ViewerSession] {
        (idsOfStream[engineStream] ?? []).compactMap { sessions[$0] }
    }

    func count(of engineStream: UInt64) -> Int { idsOfStream[engineStream]?.count ?? 0 }

    /// How a session has ended; `nil` when it has not, when it never existed, when it belongs to another stream, or when it ended long ago.
    func ending(of id: String, of stream: String, now: ContinuousClock.Instant) -> ViewerEnding? {
        guard let session = sessions[id] else { return ended.ending(of: id, of: stream, now: now) }
        return session.stream == stream ? session.closing.map { ViewerEnding($0) } : nil
    }

    /// The same of a viewer.
    func ending(ofViewer viewer: UInt64, of stream: String, now: ContinuousClock.Instant) -> ViewerEnding? {
        guard let id = idOfViewer[viewer] else { return ended.ending(ofViewer: viewer, of: stream, now: now) }
        return ending(of: id, of: stream, now: now)
    }

    // MARK: ICE restarts

    /// Holds the session's ICE until ``endRestart(of:with:)``.
    /// - Parameter tag: the entity tag of the ICE session to replace.
    /// - Throws: ``EgressError/Code/notFound``; ``EgressError/Code/notActive`` when another restart is under way or was faster.
    mutating func beginRestart(of id: String, _ stream: String, replacing tag: String) throws(EgressError) -> ViewerSession {
        guard let session = open(id, of: stream) else { throw .sessionNotFound }
        guard !session.ice.isRestarting, session.ice.entityTag == tag else {
            throw EgressError(code: .notActive, message: "another ICE restart came first: try again")
        }
        sessions[id]?.ice.isRestarting = true
        return session
    }

    /// - Parameter ice: `nil`: the ICE of before stays.
    mutating func endRestart(of id: String, with ice: ViewerSession.ICE?) {
        if let ice { sessions[id]?.ice = ice }
        sessions[id]?.ice.isRestarting = false
    }
}

extension EgressError {
    static let sessionNotFound = EgressError(code: .notFound, message: "there is no such session, or not any more")
}
