#if Server
internal import Egress
internal import HTTPTypes
internal import Logging

/// The two hooks over HTTP, for hosts that run FFmpeg themselves, and the list of streams.
struct LifecycleAPI: Sendable {
    static let bodySizeMax = 64 * 1024

    let engine: EgressEngine
    let board: SupervisionBoard
    let base: BasePath
    let logger: Logger

    func list(_ request: ServerRequest) -> ServerResponse {
        guard request.head.method == .get else { return .notAllowed([.get]) }
        return .json(["streams": StreamReport.all(engine: engine, board: board)])
    }

    func stream(_ id: String, _ request: ServerRequest) async -> ServerResponse {
        switch request.head.method {
        case .get: show(id)
        case .put: start(id, request)
        case .delete: await stop(id)
        default: .notAllowed([.get, .put, .delete])
        }
    }

    private func show(_ id: String) -> ServerResponse {
        let status = engine.stream(named: id)
        let supervision = board.all[id]
        guard status != nil || supervision != nil else { return unknown(id) }
        return .json(StreamReport(id: id, status: status, supervision: supervision))
    }

    /// The start hook.
    private func start(_ id: String, _ request: ServerRequest) -> ServerResponse {
        guard request.body.count <= Self.bodySizeMax else {
            return .problem(.contentTooLarge, "the body may have at most \(Self.bodySizeMax) bytes")
        }
        if let problem = StreamID.problem(with: id) { return .problem(.badRequest, problem) }
        guard !board.contains(id) else {
            return .problem(.conflict, EgressError.exists(id))
        }
        do {
            let config = ProcessConfig(id: id, webrtc: try Self.config(from: request.body))
            let claim = try Descriptors.process.claim(Descriptors.ofSockets)
            defer { claim.end() }
            let outputs = try engine.onProcessStart(id: id, config: config)
            guard let status = engine.stream(named: id) else {
                return .problem(.serviceUnavailable, "egress is disabled in the configuration of this server")
            }
            let started = Started(id: id, videoPort: status.videoPort, audioPort: status.audioPort, outputs: outputs)
            var response = ServerResponse.json(started, status: .created)
            response.head.headerFields[.location] = "\(base.prefix)/api/v1/streams/\(URLPath.encode(id))"
            return response
        } catch let error as ConfigurationError {
            return .problem(.badRequest, error.description)
        } catch let shortage as Descriptors.Shortage {
            var response = ServerResponse.problem(.serviceUnavailable, shortage.description)
            response.head.headerFields[.retryAfter] = "2"
            return response
        } catch let error as EgressError {
            return .problem(Self.status(of: error), error.message)
        } catch {
            return .problem(.internalServerError, "\(error)")
        }
    }

    /// The stop hook. When the server runs FFmpeg for the stream, FFmpeg ends first: the answer waits for that, about 2 s at most.
    private func stop(_ id: String) async -> ServerResponse {
        if board.contains(id) { return await remove(id) }
        return engine.onProcessStop(id: id) ? .empty(.noContent) : unknown(id)
    }

    private func remove(_ id: String) async -> ServerResponse {
        guard await board.remove(id) else { return unknown(id) }
        logger.notice("the stream was removed; it comes back when this server is restarted", metadata: ["stream": "\(id)"])
        return .empty(.noContent)
    }

    private func unknown(_ id: String) -> ServerResponse { .problem(.notFound, "no stream has the id \"\(id)\"") }

    /// An empty body counts as an empty block. PUT means that the stream is wanted, so `enabled` may be left out; `false` is an error.
    private static func config(from body: [UInt8]) throws(ConfigurationError) -> WebRTCConfig {
        let source = "request body"
        let json = body.isEmpty ? JSONValue.object([:]) : try JSONFields.parse(body, source: source)
        var config = try WebRTCBlock(json: json, isOurs: false, source: source).config
        if case .object(let fields) = json, fields["enabled"] == .bool(false) {
            throw ConfigurationError(source: source, field: "enabled", problem: "is false, so there is nothing to start")
        }
        config.isEnabled = true
        return config
    }

    private static func status(of error: EgressError) -> HTTPResponse.Status {
        switch error.code {
        case .streamExists: .conflict
        case .invalidConfiguration: .badRequest
        case .portsExhausted, .limitReached, .notActive, .shutDown: .serviceUnavailable
        default: .internalServerError
        }
    }

    private struct Started: Encodable {
        var id: String
        var videoPort: UInt16
        var audioPort: UInt16
        var outputs: [ConfigIO]

        private enum CodingKeys: String, CodingKey {
            case id, outputs
            case videoPort = "video_port"
            case audioPort = "audio_port"
        }
    }
}

extension EgressError {
    /// The start hook's message, for an id that a supervised stream has reserved before its own start.
    static func exists(_ id: String) -> String { "webrtc: process \"\(id)\" already has an active stream" }
}
#endif
