#if Server
internal import Egress

/// A stream as the API shows it: what the engine knows, and what the supervisor knows.
struct StreamReport: Encodable {
    var id: String
    /// nil while a supervised stream has no ports yet.
    var status: StreamStatus?
    var supervision: SupervisionStatus?

    var state: String { status?.state.rawValue ?? "starting" }
    var viewers: Int { status?.viewers ?? 0 }
    /// Whether the stream is wanted but has no media, because its input is not there.
    var isDown: Bool { status?.state != .active }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        if let status {
            try status.encode(to: encoder)
        } else {
            try container.encode(id, forKey: .id)
            try container.encode(state, forKey: .state)
            try container.encode(viewers, forKey: .viewers)
        }
        try container.encodeIfPresent(supervision, forKey: .supervision)
    }

    private enum Key: String, CodingKey { case id, state, viewers, supervision }

    /// Every stream that runs or should run, sorted by id.
    static func all(engine: EgressEngine, board: SupervisionBoard) -> [StreamReport] {
        let statuses = Dictionary(engine.streams().map { ($0.id, $0) }) { first, _ in first }
        let supervised = board.all
        return Set(statuses.keys).union(supervised.keys).sorted().map {
            StreamReport(id: $0, status: statuses[$0], supervision: supervised[$0])
        }
    }
}
#endif
