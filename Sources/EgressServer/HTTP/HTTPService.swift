#if Server
internal import Egress
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging
internal import NIOCore
internal import ServiceLifecycle

/// Carries ``Routes`` over HTTP/1.1, with TLS or without.
struct HTTPService: Service {
    /// How long a connection may be open without a whole request being under way or answered. Those that only hold a descriptor would
    /// leave none for viewers and streams; a stream of events is an answer, and stays.
    static let idleMax = TimeAmount.seconds(30)

    private let application: Application<CallbackResponder<CallContext>>

    /// - Parameters:
    ///   - tls: nil for plain HTTP.
    ///   - proxies: Whose word is taken for whom they forward.
    ///   - onListening: Called once with the port, when connections are taken.
    /// - Throws: when TLS cannot be set up.
    init(
        address: HTTPAddress, routes: Routes, tls: TLSCredentials? = nil, proxies: TrustedProxies = TrustedProxies(), logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) -> Void
    ) throws {
        let responder = CallbackResponder { (request: Request, context: CallContext) in
            let collected = try await Self.collect(request, proxies.client(of: context.remoteAddress, request.headers))
            let response = await routes.respond(to: collected)
            logger.debug(
                "\(request.method) \(URLPath.withoutCapabilities(request.uri.path)) \(response.head.status.code)",
                metadata: ["remote": "\(collected.remoteAddress ?? "unknown")"])
            return Response(status: response.head.status, headers: response.head.headerFields, body: Self.body(of: response))
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        application = Application(
            responder: responder,
            server: try Self.channel(tls),
            configuration: ApplicationConfiguration(address: .hostname(address.host, port: Int(address.port)), serverName: "egress"),
            onServerRunning: { onListening($0.localAddress?.port ?? Int(address.port)) },
            logger: quiet
        )
    }

    func run() async throws { try await application.run() }

    private static func channel(_ tls: TLSCredentials?) throws -> HTTPServerBuilder {
        let http1 = HTTP1Channel.Configuration(idleTimeout: idleMax)
        guard let tls else { return .http1(configuration: http1) }
        return try .tls(.http1(configuration: http1), tlsConfiguration: tls.configuration)
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

private struct CallContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let remoteAddress: String?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress?.ipAddress
    }
}
#endif
