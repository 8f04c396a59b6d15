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
    ///   - proxies: Whose word is taken for whom they forward.
    ///   - onListening: Called once with the port, when connections are taken.
    /// - Throws: when TLS cannot be set up.
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

    /// A parser's error that comes while an answer is written must not look like one about a request: no second answer may follow.
    private static func write(_ response: Response, _ writer: consuming ResponseWriter) async throws {
        do {
            try await writer.write(response: response.head, body: response.body)
        } catch is HTTPParserError {
            throw ChannelError.inputClosed
        }
    }

    /// A stream of events ends with the server: it must not hold up its shutdown.
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

    /// The body as far as it takes to know that it is too large: the route refuses it then, with its own words.
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
