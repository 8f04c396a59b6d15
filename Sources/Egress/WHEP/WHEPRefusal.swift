import HTTPTypes
import Logging
import Synchronization

/// Refusals: what the client is told, and what the log.
extension WHEPHandler {
    func refusalOfShutdown() -> WHEPResponse? {
        guard engine.engine == nil else { return nil }
        return refusal(engine.configuration.isEnabled ? EgressError.shutDown : .disabled)
    }

    func notAllowed(_ method: HTTPRequest.Method, _ target: WHEPTarget) -> WHEPResponse {
        var response = refusal(WHEPProblem(.methodNotAllowed, "\(method.rawValue) is not supported here"))
        response.head.headerFields[.allow] = target.methodList
        return response
    }

    func refusal(_ error: EgressError, _ stream: String, _ request: WHEPRequest) -> WHEPResponse {
        var metadata = metadata(stream, nil, request)
        metadata["status"] = "\(error.status.code)"
        logger.log(level: levelOfRefusal(error, stream, request, &metadata), "Viewer refused: \(error.message)", metadata: metadata)
        return refusal(error)
    }

    /// A page that waits for its stream asks every few seconds, so its refusal is logged once a minute. Refusals by a limit are counted instead.
    private func levelOfRefusal(
        _ error: EgressError, _ stream: String, _ request: WHEPRequest, _ metadata: inout Logger.Metadata
    ) -> Logger.Level {
        guard error.limit == nil else { return .debug }
        let key = "\(request.remoteAddress ?? "") \(error.status.code) \(stream)"
        let verdict = refusalsTold.withLock { $0.note(key, now: now()) }
        if verdict.repeated > 0 { metadata["repeated"] = "\(verdict.repeated)" }
        return verdict.isTold ? .info : .debug
    }

    /// The answer for a session that does not exist. A client that knows the id of an ended session was its viewer, and is told why it has ended.
    func refusalOfEnded(_ session: String, _ stream: String) -> WHEPResponse {
        guard let ending = engine.registry.ending(of: session, of: stream, now: now()) else { return refusal(.sessionNotFound) }
        return refusal(
            WHEPProblem(.notFound, "the viewer was closed: \(ending.words(udpPort: engine.info.udpPort))", reason: ending.reason.name))
    }

    func refusal(_ error: EgressError) -> WHEPResponse {
        if let limit = error.limit { count(limit) }
        var response = refusal(WHEPProblem(error.status, error.message))
        response.head.headerFields[.retryAfter] = error.retryAfter.map(String.init)
        return response
    }

    func refusal(_ problem: WHEPProblem) -> WHEPResponse {
        WHEPResponse(
            head: HTTPResponse(status: .init(code: problem.status), headerFields: [.contentType: WHEPProblem.contentType]),
            body: problem.body)
    }
}
