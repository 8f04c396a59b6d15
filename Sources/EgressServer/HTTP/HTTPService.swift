#if Server
internal import Egress
internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import ServiceLifecycle

/// Carries ``Routes`` over HTTP/1.1, with TLS or without.
struct HTTPService: Service {
    private let listener: HTTPListener
    private let onListening: @Sendable (_ port: Int) -> Void

    /// - Parameters:
    ///   - tls: nil for plain HTTP.
    ///   - proxies: The proxies whose `X-Forwarded-For` is believed.
    ///   - onListening: Called once with the port, when connections are accepted.
    /// - Throws: when TLS can't be set up.
    init(
        address: HTTPAddress, routes: Routes, connections: Connections, tls: TLSCredentials? = nil,
        proxies: TrustedProxies = TrustedProxies(), logger: Logger, onListening: @escaping @Sendable (_ port: Int) -> Void
    ) throws {
        let channel = HTTPConnectionChannel(
            responder: Self.responder(routes, proxies, logger), connections: connections,
            tls: try tls.map { try NIOSSLContext(configuration: $0.configuration) })
        listener = HTTPListener(address: address, channel: channel, logger: logger)
        self.onListening = onListening
    }

    func run() async throws { try await listener.run(onListening) }

    private static func responder(_ routes: Routes, _ proxies: TrustedProxies, _ logger: Logger) -> HTTPChannelHandler.Responder {
        { request, writer, channel in
            let collected = try await collect(request, proxies.client(of: channel.remoteAddress?.ipAddress, request.headers))
            let response = await routes.respond(to: collected)
            logger.debug(
                "\(request.method) \(URLPath.withoutCapabilities(request.uri.path)) \(response.head.status.code)",
                metadata: ["remote": "\(collected.remoteAddress ?? "unknown")"])
            var head = Response(status: response.head.status, headers: response.head.headerFields, body: body(of: response))
            head.headers[.date] = WallClock.httpDate(WallClock.microseconds())
            head.headers[.server] = "egress"
            try await write(head, writer)
        }
    }

    /// A parser's error that comes while an answer is written must not lead to a second answer.
    private static func write(_ response: Response, _ writer: consuming ResponseWriter) async throws {
        do {
            try await writer.write(response: response.head, body: response.body)
        } catch is HTTPParserError {
            throw ChannelError.inputClosed
        }
    }

    /// A stream of events ends when the server shuts down, so that it does not hold up the shutdown.
    private static func body(of response: ServerResponse) -> ResponseBody {
        guard let events = response.events else {
            return response.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: response.body))
        }
        return ResponseBody { writer in
            if !response.body.isEmpty { try await writer.write(ByteBuffer(bytes: response.body)) }
            for try await event in events.cancelOnGracefulShutdown() { try await writer.write(ByteBuffer(bytes: event)) }
            try await writer.finish(nil)
        }
    }

    /// Reads the body, at most so far that it is known to be too large. The route then refuses it with its own message.
    private static func collect(_ request: Request, _ remoteAddress: String?) async throws -> ServerRequest {
        var body: [UInt8] = []
        for try await part in request.body {
            body += part.readableBytesView.prefix(Routes.bodySizeMax + 1 - body.count)
            if body.count > Routes.bodySizeMax { break }
        }
        return ServerRequest(head: request.head, body: body, remoteAddress: remoteAddress)
    }
}
#endif
