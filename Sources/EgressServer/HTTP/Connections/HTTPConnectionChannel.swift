#if Server
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1
internal import NIOSSL

/// The handlers of one HTTP/1.1 connection, from the wire to the parts of requests and answers.
struct HTTPConnectionChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let responder: HTTPChannelHandler.Responder
    let connections: Connections
    /// nil for plain HTTP.
    let tls: NIOSSLContext?

    /// There is no room for the connection.
    struct Refused: Error {}

    /// - Throws: ``Refused``.
    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            guard let id = connections.admit(channel) else { throw Refused() }
            channel.closeFuture.whenComplete { [connections] _ in connections.remove(id) }
            return try build(channel, id, logger)
        }
    }

    func handle(value: Value, logger: Logger) async { await handleHTTP(asyncChannel: value, logger: logger) }

    private func build(_ channel: any Channel, _ id: ConnectionTable.ID, _ logger: Logger) throws -> Value {
        let limits = connections.limits
        let pipeline = channel.pipeline.syncOperations
        let guarding = ConnectionGuard(id, connections, isTLS: tls != nil, now: channel.eventLoop.now)
        try pipeline.addHandler(guarding)
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        let gate = RequestGate(guarding, limits)
        try pipeline.addHandler(gate)
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldSize = limits.headSizeMax
        decoder.maxHeaderListSize = limits.headSizeMax
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoder)
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: tls != nil))
        // It stands below the watch, which must not take a 100 for an answer.
        try pipeline.addHandler(ContinueHandler())
        try pipeline.addHandler(RequestWatch(guarding, gate))
        // When the server shuts down, it closes the connection after the answer. The guard closes idle connections.
        try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: nil, logger: logger))
        return try NIOAsyncChannel(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }
}
#endif
