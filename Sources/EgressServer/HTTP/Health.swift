#if Server
internal import Egress

/// The answer to `/healthz`.
struct Health: Encodable {
    var status: String
    var streams: Int
    /// Streams that no media comes from. The server itself is healthy even then.
    var streamsDown: Int
    var viewers: Int
    var io: String
    var crypto: String

    private enum CodingKeys: String, CodingKey {
        case status, streams, viewers, io, crypto
        case streamsDown = "streams_down"
    }

    init(_ numbers: Numbers, _ info: EngineInfo, status: String) {
        self.status = status
        streams = numbers.streams
        streamsDown = numbers.streamsDown
        viewers = numbers.viewers
        io = info.io.rawValue
        crypto = info.crypto
    }

    /// The values that only the engine knows.
    struct Numbers: Sendable {
        let streams: Int
        let streamsDown: Int
        let viewers: Int

        init(_ engine: EgressEngine, _ board: SupervisionBoard) {
            let statistics = engine.statistics()
            streams = statistics.streams
            viewers = statistics.viewers
            streamsDown = StreamReport.all(engine: engine, board: board).count(where: \.isDown)
        }
    }
}
#endif
