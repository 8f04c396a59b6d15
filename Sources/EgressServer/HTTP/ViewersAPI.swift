#if Server
internal import Egress
internal import HTTPTypes

/// `/api/v1/streams/{id}/viewers`: lists the viewers of a stream, and disconnects one.
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

    /// DELETE with `?ban_seconds=N`: the viewer's address may not join again for N seconds.
    func viewer(_ viewer: String, of stream: String, _ request: ServerRequest) -> ServerResponse {
        guard request.head.method == .delete else { return .notAllowed([.delete]) }
        guard let query = URLQuery(request.head.path ?? "", known: ["ban_seconds"]),
            let seconds = query.integer("ban_seconds", within: 0...Self.banSecondsMax, else: 0)
        else { return .problem(.badRequest, "the query may have only ban_seconds, a number within 0..\(Self.banSecondsMax)") }
        guard whep.kick(viewer, of: stream, banningFor: seconds > 0 ? Duration(outsideSeconds: seconds) : nil) else {
            return .problem(.notFound, "the stream has no viewer \"\(viewer)\", or not any more")
        }
        return .empty(.noContent)
    }

    private struct Page: Encodable {
        var viewers: [ViewerStatus]
        /// The last viewer of this page, when there are more.
        var next: String?
    }
}
#endif
