import HTTPTypes
import Logging

/// ICE over PATCH (WHEP §4.4). If a request is wrong in any way, the session continues as it was.
extension WHEPHandler {
    func patch(_ request: WHEPRequest, _ stream: String, _ session: String, bitRateMax: Int?) -> WHEPResponse {
        if let offer = engine.registry.counterOffer(session, of: stream) { return answer(request, offer, bitRateMax: bitRateMax) }
        guard let ice = engine.registry.session(session, of: stream)?.ice else { return refusalOfEnded(session, stream) }
        if let refusal = refusalOfType(request, "a PATCH", SDPFragment.mediaType, told: .acceptPatch) { return refusal }
        guard request.body.count <= SDPFragment.Limits.sizeMax else {
            count(.description)
            return refusal(WHEPProblem(.contentTooLarge, "a fragment has at most \(SDPFragment.Limits.sizeMax) bytes"))
        }
        do throws(EgressError) {
            let fragment = try SDPFragment.parse(request.body)
            // Checked only now: a precondition matters only where the request would succeed without it (RFC 9110 §13.2.1).
            if let problem = Self.problem(with: request.head.headerFields[.ifMatch], ice) { return refusal(problem) }
            guard let remote = fragment.credentials, remote != ice.remote else {
                return WHEPResponse(head: HTTPResponse(status: .noContent))
            }
            let restart = try engine.restartICE(of: session, stream, replacing: ice.entityTag, with: remote)
            logger.info("ICE restarted", metadata: metadata(stream, session, request))
            let fields: HTTPFields = [.contentType: SDPFragment.mediaType, .eTag: "\"\(restart.entityTag)\""]
            return WHEPResponse(head: HTTPResponse(status: .ok, headerFields: fields), body: Array(restart.fragment.utf8))
        } catch {
            return refusal(error)
        }
    }

    /// Requests may overtake each other, so each has to say which ICE session it means (WHEP §4.4.1).
    private static func problem(with ifMatch: String?, _ ice: ViewerSession.ICE) -> WHEPProblem? {
        guard let ifMatch else {
            return WHEPProblem(.preconditionRequired, "If-Match is missing: name the ICE session by its ETag, or use *")
        }
        guard WHEPCondition(field: ifMatch).holds(for: ice.entityTag) else {
            return WHEPProblem(.preconditionFailed, "If-Match names an ICE session that is not the current one")
        }
        return nil
    }
}
