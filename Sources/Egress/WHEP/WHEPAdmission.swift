import HTTPTypes
import Logging
import Synchronization

/// What a WHEP handler counts, in addition to the engine's own ``EngineStatistics``.
public struct WHEPStatistics: Sendable, Hashable, Encodable {
    /// Requests that a limit has refused, by the limit's name: `joins_per_address`, `viewers`, `sdp`, …
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

/// Which requests get in. ``Admission`` has the rules.
extension WHEPHandler {
    public func statistics() -> WHEPStatistics {
        var statistics = WHEPStatistics()
        let refused = admission.withLock { $0.refused }
        // Has every limit's name, also of limits that were never reached, so that a metric exists before its first event.
        for limit in BittenLimit.allCases { statistics.refused[limit.rawValue] = refused[limit, default: 0] }
        statistics.viewersConnecting = engine.registry.viewersConnecting
        statistics.isDraining = isDraining
        return statistics
    }

    // MARK: Sending away

    /// Closes a viewer that ``EgressEngine/viewers(of:after:max:)`` has named.
    /// - Parameter duration: how long its address may not join again; `nil`: it may join again at once.
    /// - Returns: false when the stream does not have this viewer, or not any more.
    public func kick(_ viewer: String, of stream: String, banningFor duration: Duration? = nil) -> Bool {
        guard let session = engine.registry.session(ofViewer: viewer, of: stream), engine.closeViewer(session: session.id, of: stream)
        else {
            return false
        }
        var metadata: Logger.Metadata = ["id": "\(stream)", "viewer": "\(session.viewerID)"]
        metadata["client"] = session.client.map { "\($0)" }
        guard let duration, duration > .zero else {
            logger.info("Viewer disconnected by the operator", metadata: metadata)
            return true
        }
        if let network = session.network {
            admission.withLock { $0.ban(network, for: duration, now: now()) }
            logger.info("Viewer disconnected by the operator; \(network) may not join again for \(duration)", metadata: metadata)
        } else {
            logger.warning("Viewer disconnected by the operator; its address is not known, so it may join again", metadata: metadata)
        }
        return true
    }

    // MARK: Refusals

    /// Checks the limits that apply before anything else of a request is looked at.
    func refusalOfKnock(_ request: WHEPRequest) -> WHEPResponse? {
        if let refusal = refusalOfDraining(request) { return refusal }
        return admission.withLock { $0.knock(Self.network(of: request), now: now()) }.map { refusal($0, request) }
    }

    /// Checks the limits for joining a stream that exists. A request for another stream is told later that it does not exist.
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
        case .session(let stream, let session), .events(let stream, let session), .listener(let stream, let session, _),
            .layer(let stream, let session):
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

    /// A flood of requests does not flood the log: a limit that stays reached is logged once a minute.
    func count(_ limit: BittenLimit) {
        guard let count = admission.withLock({ $0.count(limit, now: now()) }) else { return }
        logger.warning("Client limit reached", metadata: ["limit": "\(limit.rawValue)", "refused": "\(count)"])
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
