#if Server
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Tells a client that waits for it to send its body (`Expect: 100-continue`, RFC 9110 §10.1.1); without a word such clients hesitate for a
/// second, or for ever. For one connection.
///
/// It never speaks in the middle of another response, and not to those who don't wait any more.
final class ContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Requests that have no whole response yet.
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
