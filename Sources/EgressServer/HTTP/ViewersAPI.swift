#if Server
internal import Egress
internal import HTTPTypes

/// `/api/v1/streams/{id}/viewers`: lists the viewers of a stream, shows one, also for a while after its end, and disconnects one.
struct ViewersAPI: Sendable {
    private static let pageSize = 100
    private static let pageSizeMax = 1_000
    private static let banSecondsMax = 7 * 86_400

    let engine: EgressEngine
    let whep: WHEPHandler
    let board: SupervisionBoard

    /// A page of viewers, in the order of their ids: `?limit=N`, `?after=ID` for the next page.
    func list(_ stream: String, _ request: ServerRequest) -> ServerResponse {
        guard request.head.method == .get else { return .notAllowed([.get]) }
        guard engine.stream(named: stream) != nil || board.contains(stream) else {
            return .problem(.notFound, "no stream has the id \"\(stream)\"")
        }
        guard let query = URLQuery(request.head.path ?? "", known: ["limit", "after"]) else {
            return .problem(.badRequest, "the query may have only limit and after")
        }
        guard let size = query.integer("limit", within: 1...Self.pageSizeMax, else: Self.pageSize) else {
            return .problem(.badRequest, "limit must be a number within 1..\(Self.pageSizeMax)")
        }
        let viewers = engine.viewers(of: stream, after: query["after"], max: size + 1)
        let page = Array(viewers.prefix(size))
        return .json(Page(viewers: page, next: viewers.count > size ? page.last?.id : nil))
    }

    func viewer(_ viewer: String, of stream: String, _ request: ServerRequest) -> ServerResponse {
        switch request.head.method {
        case .get: show(viewer, of: stream, request)
        case .delete: disconnect(viewer, of: stream, request)
        default: .notAllowed([.get, .delete])
        }
    }

    /// As in the list. Of one that is gone, for five minutes, why: `{"id": …, "state": "closed", "reason": …, "detail": …}`.
    private func show(_ viewer: String, of stream: String, _ request: ServerRequest) -> ServerResponse {
        guard URLQuery(request.head.path ?? "", known: []) != nil else { return .problem(.badRequest, "there is no query here") }
        if let status = engine.viewer(viewer, of: stream) { return .json(status) }
        if let ended = engine.endedViewer(viewer, of: stream) {
            return .json(Ended(id: viewer, reason: ended.reason, detail: ended.detail))
        }
        return .problem(.notFound, "the stream has no viewer \"\(viewer)\", or not any more")
    }

    /// With `?ban_seconds=N` the viewer's address may not join again for N seconds.
    private func disconnect(_ viewer: String, of stream: String, _ request: ServerRequest) -> ServerResponse {
        guard let query = URLQuery(request.head.path ?? "", known: ["ban_seconds"]),
            let seconds = query.integer("ban_seconds", within: 0...Self.banSecondsMax, else: 0)
        else { return .problem(.badRequest, "the query may have only ban_seconds, a number within 0..\(Self.banSecondsMax)") }
        guard whep.kick(viewer, of: stream, banningFor: seconds > 0 ? Duration(outsideSeconds: seconds) : nil) else {
            return .problem(.notFound, "the stream has no viewer \"\(viewer)\", or not any more")
        }
        return .empty(.noContent)
    }

    private struct Ended: Encodable {
        var id: String
        var state = "closed"
        var reason: String
        var detail: String
    }

    private struct Page: Encodable {
        var viewers: [ViewerStatus]
        /// The last viewer of this page, when there are more.
        var next: String?
    }
}
#endif
