import NIOCore

/// One half of a pair that joins two channels of one event loop: what one receives, the other sends.
///
/// A side reads only while the other can take more, so a slow reader holds back a fast writer through the kernel. After the
/// connect-proxy example of swift-nio-examples.
final class GlueHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partner: GlueHandler?
    private var context: ChannelHandlerContext?
    private var wantsRead = false

    /// Makes the two halves.
    static func pair() -> (GlueHandler, GlueHandler) {
        let (left, right) = (GlueHandler(), GlueHandler())
        left.partner = right
        right.partner = left
        return (left, right)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // The second half is there only now: what either side wanted meanwhile can begin.
        if partner?.context != nil {
            pull()
            partner?.pull()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        partner?.context?.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        partner?.context?.flush()
        pull()
    }

    func channelActive(context: ChannelHandlerContext) {
        pull()
    }

    func channelInactive(context: ChannelHandlerContext) {
        partner?.context?.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            partner?.context?.close(mode: .output, promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Either side may go at any time; the other one sees the end of the connection.
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.pullIfWanted() }
    }

    /// Reads as soon as the other side can take it.
    private func pull() {
        if let other = partner?.context, other.channel.isWritable {
            wantsRead = false
            context?.read()
        } else {
            wantsRead = true
        }
    }

    private func pullIfWanted() {
        if wantsRead { pull() }
    }
}
