#if Server
extension StreamInput {
    /// FFmpeg's own time-outs for an input that falls silent. With them FFmpeg ends by itself and says what it waited for.
    ///
    /// They go before the input, and before the operator's own options: FFmpeg takes the last of two. They are a little shorter than the server's
    /// own time-out, since FFmpeg knows best what it is waiting for. An input that waits for a publisher has none: it would end before one comes.
    func timeouts(_ version: FFmpegVersion) -> [String] {
        guard staleTimeout > .zero, !waitsForPublisher else { return [] }
        let (seconds, attoseconds) = (staleTimeout * 0.8).components
        let microseconds = "\(seconds * 1_000_000 + attoseconds / 1_000_000_000_000)"
        if kind == .rtsp { return [version.rtspTimeoutOption, microseconds] }
        guard let scheme, Self.schemesWithReadTimeout.contains(scheme) else { return [] }
        return [version.socketTimeoutOption, microseconds]
    }

    private static let schemesWithReadTimeout: Set<String> = ["http", "https", "rtmp", "rtmps", "rtmpt", "rtmpts", "tcp", "tls"]
}
#endif
