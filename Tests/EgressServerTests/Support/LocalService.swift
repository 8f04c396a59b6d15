#if Server
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// A request as a test's own HTTP service got it.
struct ReceivedRequest: Sendable {
    var method: HTTPRequest.Method
    var path: String
    var contentType: String?
    var body: [UInt8]
}

/// Runs an HTTP service on loopback for as long as `body` runs.
func withLocalService(
    answering answer: @escaping @Sendable (ReceivedRequest) async throws -> Response,
    _ body: @escaping @Sendable (_ url: String) async throws -> Void
) async throws {
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
        var received = ReceivedRequest(method: request.method, path: request.uri.path, contentType: request.headers[.contentType], body: [])
        for try await part in request.body { received.body += part.readableBytesView }
        return try await answer(received)
    }
    let service = Application(
        responder: responder, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { channel in listening.yield(channel.localAddress?.port ?? 0) },
        logger: Logger(label: "service") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try? await service.run() }
        for await port in ports {
            try await body("http://127.0.0.1:\(port)/decide")
            break
        }
        tasks.cancelAll()
    }
}
#endif
