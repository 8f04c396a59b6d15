import HTTPTypes
import Logging
import Synchronization

/// What a WHEP handler counts, beside the engine's own ``EngineStatistics``.
public struct WHEPStatistics: Sendable, Hashable, Encodable {
    /// Requests that a limit has turned away, by the limit's name: `joins_per_address`, `viewers`, `sdp`, …
    public var refused: [String: UInt64] = [:]
    /// Viewers that have an answer and no connection yet.
    public var viewersConnecting = 0
    public var isDraining = false

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case refused
        case viewersConnecting = "viewers_connecting"
        case isDraining = "draining"
    }
}

/// Who gets in: the rules are ``Admission``'s.
extension WHEPHandler {
    public func statistics() -> WHEPStatistics {
        var statistics = WHEPStatistics()
        let refused = admission.withLock { $0.refused }
        // Every name is there, also of those that never bit, so that a metric exists before its first event.
        for limit in BittenLimit.allCases { statistics.refused[limit.rawValue] = refused[limit, default: 0] }
        statistics.viewersConnecting = engine.registry.viewersConnecting
        statistics.isDraining = isDraining
        return statistics
    }

    // MARK: Sending away

    /// Closes a viewer that ``EgressEngine/viewers(of:after:max:)`` has named.
    /// - Parameter duration: for how long its address may not join again; `nil`: it may at once.
    /// - Returns: false when the stream has no such viewer, or not any more.
    public func kick(_ viewer: String, of stream: String, banningFor duration: Duration? = nil) -> Bool {
        guard let session = engine.registry.session(ofViewer: viewer, of: stream), engine.closeViewer(session: session.id, of: stream)
        else {
            return false
        }
        var metadata: Logger.Metadata = ["id": "\(stream)", "viewer": "\(session.viewerID)"]
        metadata["client"] = session.client.map { "\($0)" }
        guard let duration, duration > .zero else {
            logger.info("Viewer sent away by the operator", metadata: metadata)
            return true
        }
        if let network = session.network {
            admission.withLock { $0.ban(network, for: duration, now: now()) }
            logger.info("Viewer sent away by the operator, and \(network) for \(duration)", metadata: metadata)
        } else {
            logger.warning("Viewer sent away by the operator; its address is not known, so it may come back", metadata: metadata)
        }
        return true
    }

    // MARK: Refusals

    /// Before anything else is looked at.
    func refusalOfKnock(_ request: WHEPRequest) -> WHEPResponse? {
        if let refusal = refusalOfDraining(request) { return refusal }
        return admission.withLock { $0.knock(Self.network(of: request), now: now()) }.map { refusal($0, request) }
    }

    /// For a stream that there is: others find that there is none.
    func refusalOfJoin(_ request: WHEPRequest, _ stream: String) -> WHEPResponse? {
        guard engine.registry.stream(named: stream) != nil else { return nil }
        // The engine is asked only when it matters.
        let sources = engine.configuration.limits.bitRate > 0 ? engine.stream(named: stream)?.statistics : nil
        let bitRate = sources.map { $0.video.bitRate + $0.audio.bitRate } ?? 0
        return admission.withLock { $0.join(stream, bitRate: bitRate, now: now()) }.map { refusal($0, request) }
    }

    func refusalOfChange(_ request: WHEPRequest, _ target: WHEPTarget) -> WHEPResponse? {
        guard [.post, .patch, .delete].contains(request.head.method) else { return nil }
        let isKnown: Bool
        switch target {
        case .endpoint: return nil
        case .session(let stream, let session), .events(let stream, let session), .listener(let stream, let session, _):
            isKnown = hasSession(session, of: stream)
        }
        return admission.withLock { $0.change(Self.network(of: request), isKnown: isKnown, now: now()) }.map { refusal($0, request) }
    }

    func refusalOfSize(_ request: WHEPRequest, _ what: String) -> WHEPResponse? {
        let sizeMax = engine.configuration.limits.offerSizeMax
        guard request.body.count > sizeMax else { return nil }
        count(.description)
        return refusal(WHEPProblem(.contentTooLarge, "\(what) has at most \(sizeMax) bytes"))
    }

    func refusal(_ refused: Refusal, _ request: WHEPRequest) -> WHEPResponse {
        count(refused.limit)
        logger.debug(
            "Request refused: \(refused.detail)",
            metadata: ["limit": "\(refused.limit.rawValue)", "client": "\(request.remoteAddress ?? "unknown")"])
        var response = refusal(WHEPProblem(refused.limit.status, "\(refused.detail): try again in \(refused.retryAfter) s"))
        response.head.headerFields[.retryAfter] = String(refused.retryAfter)
        return response
    }

    /// Floods don't flood the log: a limit that goes on biting is told once a minute.
    func count(_ limit: BittenLimit) {
        guard let count = admission.withLock({ $0.count(limit, now: now()) }) else { return }
        logger.warning("A limit bites", metadata: ["limit": "\(limit.rawValue)", "refused": "\(count)"])
    }

    private static func network(of request: WHEPRequest) -> ClientNetwork? { request.remoteAddress.flatMap(ClientNetwork.init) }

    // MARK: Bit rate

    /// For as long as the handler lives.
    func measureBitRate() {
        Task(executorPreference: engine.threads) { [weak self] in
            while self?.takeSample() != nil { try? await Task.sleep(for: .seconds(1)) }
        }
    }

    private func takeSample() {
        let statistics = engine.statistics()
        let headers: UInt64 = 28  // IPv4 and UDP, of every packet
        admission.withLock { $0.measure(bytes: statistics.bytesSent + headers * statistics.packetsSent, now: now()) }
    }
}
