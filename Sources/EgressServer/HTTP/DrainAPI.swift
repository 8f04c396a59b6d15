#if Server
internal import Egress
internal import HTTPTypes

/// `/api/v1/drain`: GET returns the state, POST begins to drain, DELETE puts the server back into service.
struct DrainAPI: Sendable {
    /// How long draining takes when POST does not say it.
    static let duration = Duration.seconds(10)
    private static let bodySizeMax = 4 * 1024

    let drain: Drain

    func respond(to request: ServerRequest) -> ServerResponse {
        switch request.head.method {
        case .get: return .json(drain.report)
        case .post: return begin(request)
        case .delete:
            drain.end()
            return .json(drain.report)
        default: return .notAllowed([.get, .post, .delete])
        }
    }

    /// A second POST changes nothing, unless it has another deadline.
    private func begin(_ request: ServerRequest) -> ServerResponse {
        guard request.body.count <= Self.bodySizeMax else {
            return .problem(.contentTooLarge, "the body may have at most \(Self.bodySizeMax) bytes")
        }
        do throws(ConfigurationError) {
            drain.begin(within: try Self.duration(from: request.body), else: Self.duration)
            return .json(drain.report, status: .accepted)
        } catch {
            return .problem(.badRequest, error.description)
        }
    }

    private static func duration(from body: [UInt8]) throws(ConfigurationError) -> Duration? {
        guard !body.isEmpty else { return nil }
        let source = "request body"
        let fields = try JSONFields(JSONFields.parse(body, source: source), source: source, known: ["deadline_seconds"])
        return try fields.seconds("deadline_seconds", max: DrainConfiguration.secondsMax)
    }
}
#endif
