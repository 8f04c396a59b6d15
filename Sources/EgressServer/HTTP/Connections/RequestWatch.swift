#if Server
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Sees requests and answers begin and end, behind the parser, and tells ``ConnectionGuard`` and ``RequestGate``.
final class RequestWatch: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let guarding: ConnectionGuard
    private let gate: RequestGate
    /// The head that came in one piece with the end of the request before it.
    private var early = CircularBuffer<HTTPRequestPart>()

    init(_ guarding: ConnectionGuard, _ gate: RequestGate) {
        self.guarding = guarding
        self.gate = gate
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if gate.isShut { early.append(part) } else { pass(part, context) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        let left = promise ?? context.eventLoop.makePromise()
        left.futureResult.assumeIsolated().whenSuccess { self.answered(context) }
        context.write(data, promise: left)
    }

    private func pass(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head:
            gate.headRead()
            guarding.headRead()
        case .body: break
        case .end:
            guarding.requestRead()
            gate.requestRead(isAnswered: guarding.phase != .answering)
        }
        context.fireChannelRead(wrapInboundOut(part))
    }

    private func answered(_ context: ChannelHandlerContext) {
        guarding.answered()
        gate.open()
        if !early.isEmpty {
            guarding.bytesRead()
            while !gate.isShut, let part = early.popFirst() { pass(part, context) }
            context.fireChannelReadComplete()
        }
        gate.resume()
    }
}
#endif
