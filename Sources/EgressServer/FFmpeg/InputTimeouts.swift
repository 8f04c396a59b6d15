#if Server
extension StreamInput {
    /// FFmpeg's own time-outs for an input that falls silent: where it has them, it ends by itself and says what it waited for.
    ///
    /// To be put in front of the input, and in front of the operator's own options: FFmpeg takes the last of two. Somewhat less than our own
    /// patience, since FFmpeg knows better than we do what it is waiting for. What waits for somebody to send has none: it would be over before they
    /// came.
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
