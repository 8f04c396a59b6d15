#if Server
internal import Egress
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import ServiceLifecycle

/// Carries ``Routes`` over HTTP/1.1.
struct HTTPService: Service {
    private let application: Application<CallbackResponder<CallContext>>

    /// - Parameter onListening: Called once with the port, when connections are taken.
    init(address: HTTPAddress, routes: Routes, logger: Logger, onListening: @escaping @Sendable (_ port: Int) -> Void) {
        let responder = CallbackResponder { (request: Request, context: CallContext) in
            let response = await routes.respond(to: try await Self.collect(request, context))
            logger.debug(
                "\(request.method) \(request.uri.path) \(response.head.status.code)",
                metadata: ["remote": "\(context.remoteAddress ?? "unknown")"])
            return Response(status: response.head.status, headers: response.head.headerFields, body: Self.body(of: response))
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        application = Application(
            responder: responder,
            configuration: ApplicationConfiguration(address: .hostname(address.host, port: Int(address.port)), serverName: "egress"),
            onServerRunning: { onListening($0.localAddress?.port ?? Int(address.port)) },
            logger: quiet
        )
    }

    func run() async throws { try await application.run() }

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
    private static func collect(_ request: Request, _ context: CallContext) async throws -> ServerRequest {
        var body: [UInt8] = []
        for try await part in request.body {
            body += part.readableBytesView.prefix(Routes.bodySizeMax + 1 - body.count)
            if body.count > Routes.bodySizeMax { break }
        }
        return ServerRequest(head: request.head, body: body, remoteAddress: context.remoteAddress)
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
