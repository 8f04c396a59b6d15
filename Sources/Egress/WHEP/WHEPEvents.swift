import HTTPTypes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Server-sent events: a client sends a list of event names by POST to the extension's URL, then gets the events by GET from its `Location`.
extension WHEPHandler {
    private static let namesSizeMax = 4 * 1024

    /// What can be asked for: `layers` where there are some.
    private static func names(hasLadder: Bool) -> [String] {
        ViewerEvents.Kind.allCases.filter { $0 != .layers || hasLadder }.map(\.rawValue)
    }

    static func eventsLink(_ session: String, hasLadder: Bool) -> String {
        let names = names(hasLadder: hasLadder).joined(separator: ",")
        return "<\(session)/events>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; events=\"\(names)\""
    }

    func listen(_ request: WHEPRequest, _ stream: String, _ session: String) -> WHEPResponse {
        guard engine.registry.hasSession(session, of: stream) else { return refusal(.sessionNotFound) }
        if let refusal = refusalOfType(request, "the event names", Self.json, told: .acceptPost) { return refusal }
        guard request.body.count <= Self.namesSizeMax else {
            return refusal(WHEPProblem(.contentTooLarge, "the names of events have at most \(Self.namesSizeMax) bytes"))
        }
        let names = Self.names(hasLadder: engine.registry.session(session, of: stream)?.ladder != nil)
        guard let asked = try? JSONDecoder().decode([String].self, from: Data(request.body)), !asked.isEmpty else {
            return refusal(WHEPProblem(.badRequest, "the body must be a JSON list of names out of \(names.joined(separator: ", "))"))
        }
        let kinds = asked.filter(names.contains).compactMap(ViewerEvents.Kind.init)
        guard kinds.count == asked.count else {
            return refusal(WHEPProblem(.badRequest, "an event name is unknown; known are \(names.joined(separator: ", "))"))
        }
        guard let listener = engine.viewerEvents.listen(session, of: stream, to: Set(kinds)) else { return refusal(.sessionNotFound) }
        return WHEPResponse(
            head: HTTPResponse(status: .created, headerFields: [.location: "\(path(of: stream, session))/events/\(listener)"]))
    }

    func events(_ method: HTTPRequest.Method, _ stream: String, _ session: String, _ listener: String) -> WHEPResponse {
        let viewerEvents = engine.viewerEvents
        guard engine.registry.hasSession(session, of: stream), viewerEvents.hasListener(listener, of: session) else {
            return refusal(WHEPProblem(.notFound, "this listener does not exist, or not any more"))
        }
        if method == .delete {
            viewerEvents.end(CollectionOfOne(session))
            return WHEPResponse(head: HTTPResponse(status: .ok))
        }
        var response = WHEPResponse(
            head: HTTPResponse(status: .ok, headerFields: [.contentType: "text/event-stream", .cacheControl: "no-store"]))
        guard method == .get else { return response }
        let isActive = engine.stream(named: stream)?.state == .active
        response.events = viewerEvents.events(of: session, listener: listener, isActive: isActive)
        return response
    }
}
