import HTTPTypes
import Logging

/// Answers POST by 406 with a counter-offer, and takes the client's answer to it by PATCH (WHEP §4.2.2).
extension WHEPHandler {
    func counter(_ offer: CounterOffer, _ error: EgressError, _ stream: String, _ request: WHEPRequest) -> WHEPResponse {
        guard engine.registry.keep(offer) else {
            let reason = "\(CounterOffers.countMax) counter-offers of this server wait for an answer, which is the limit"
            return refusal(EgressError(.counterOffers, reason))
        }
        logger.info("Viewer gets a counter-offer: \(error.message)", metadata: metadata(stream, offer.session, request))
        let until = WallClock.httpDate(WallClock.microseconds() + CounterOffer.lifetime.components.seconds * 1_000_000)
        let fields: HTTPFields = [
            .contentType: "\(Self.sdp); valid-until=\"\(until)\"", .location: path(of: stream, offer.session), .acceptPatch: Self.sdp,
        ]
        let text = offer.write(engine.info.fingerprint, engine.candidates)
        return WHEPResponse(head: HTTPResponse(status: .notAcceptable, headerFields: fields), body: Array(text.utf8))
    }

    func answer(_ request: WHEPRequest, _ offer: CounterOffer, bitRateMax: Int?) -> WHEPResponse {
        if let refusal = refusalOfDraining(request) { return refusal }
        if let refusal = refusalOfType(request, "an answer", Self.sdp, told: .acceptPatch) { return refusal }
        if let refusal = refusalOfSize(request, "an answer") { return refusal }
        do throws(EgressError) {
            let viewer = try engine.takeAnswer(request.body, to: offer, for: .init(address: request.remoteAddress, bitRateMax: bitRateMax))
            var fields: HTTPFields = [.eTag: "\"\(viewer.entityTag)\""]
            // A counter-offer can't tell yet whether there will be encodings to choose among.
            if !viewer.rids.isEmpty { fields[values: .link] = Self.links(path(of: offer.stream.id, viewer.session), viewer) }
            return WHEPResponse(head: HTTPResponse(status: .noContent, headerFields: fields))
        } catch {
            return refusal(error)
        }
    }
}
