import HTTPTypes
import Logging

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Choosing among the encodings of a stream by hand (`urn:ietf:params:whep:ext:core:layer`, webrtc-http-egress-events, "Video Layer Selection").
extension WHEPHandler {
    private static let layerSizeMax = 4 * 1024

    /// What a client chooses. An encoding here has one spatial and one temporal layer, so their numbers choose nothing, and the greatest size is
    /// not served; they are read, so that one of another type is told as malformed.
    private struct Choice: Decodable {
        var mediaId: String?
        var rid: String?
        /// As earlier drafts call the rid.
        var encodingId: String?
        var spatialLayerId: Double?
        var temporalLayerId: Double?
        var maxSpatialLayerId: Double?
        var maxTemporalLayerId: Double?
        var maxWidth: Double?
        var maxHeight: Double?
    }

    static func layerLink(_ session: String) -> String {
        "<\(session)/layer>; rel=\"urn:ietf:params:whep:ext:core:layer\""
    }

    func layer(_ request: WHEPRequest, _ stream: String, _ id: String) -> WHEPResponse {
        guard let session = engine.registry.session(id, of: stream) else { return refusalOfEnded(id, stream) }
        // No Link has told of this URL.
        guard let ladder = session.ladder else {
            return refusal(WHEPProblem(.notFound, "this viewer has no encodings to choose among"))
        }
        if let refusal = refusalOfType(request, "a layer", Self.json, told: .acceptPost) { return refusal }
        guard request.body.count <= Self.layerSizeMax else {
            return refusal(WHEPProblem(.contentTooLarge, "a layer has at most \(Self.layerSizeMax) bytes"))
        }
        guard let choice = try? JSONDecoder().decode(Choice.self, from: Data(request.body)) else {
            let detail = "the body must be a JSON object: {\"encodingId\": \"RID\"} chooses an encoding, {} leaves it to the viewer's link"
            return refusal(WHEPProblem(.badRequest, detail))
        }
        if let rid = choice.rid, let other = choice.encodingId, rid != other {
            return refusal(WHEPProblem(.badRequest, "encodingId and rid are two names for one thing, and they differ"))
        }
        if let mediaID = choice.mediaId, !ladder.isVideo(mediaID) {
            return refusal(WHEPProblem(.unprocessableContent, "mediaId does not name the video: that is \"\(ladder.section)\""))
        }
        let rid = choice.rid ?? choice.encodingId
        do throws(EgressError) {
            try engine.pin(session, to: rid)
        } catch {
            return refusal(error)
        }
        logger.debug("Viewer \(rid.map { "chose \"\($0)\"" } ?? "chose no encoding any more")", metadata: metadata(stream, id, request))
        return WHEPResponse(head: HTTPResponse(status: .ok))
    }
}
