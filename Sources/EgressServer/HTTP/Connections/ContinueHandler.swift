#if Server
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Tells a client that waits for it to send its body (`Expect: 100-continue`, RFC 9110 §10.1.1). Without that such clients wait for a second, or for
/// ever. It serves one connection.
///
/// It never writes in the middle of another response, nor to a client that does not wait any more.
final class ContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The number of requests that have no complete response yet.
    private var unanswered = 0
    private var isWaiting = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            unanswered += 1
            isWaiting = head.headerFields[.expect]?.lowercased() == "100-continue"
        case .body, .end: isWaiting = false
        }
        tell(context)
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        context.write(data, promise: promise)
        switch part {
        case .head(let head) where head.status.kind != .informational && unanswered == 1:
            // The request was answered before its body came.
            isWaiting = false
        case .end:
            unanswered -= 1
            tell(context)
        default: break
        }
    }

    private func tell(_ context: ChannelHandlerContext) {
        guard isWaiting, unanswered == 1 else { return }
        isWaiting = false
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }
}
#endif
