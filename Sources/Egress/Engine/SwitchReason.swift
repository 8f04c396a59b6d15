/// Why a viewer gets another encoding than before. The raw values are those of the metrics.
public enum SwitchReason: String, Sendable, Hashable, CaseIterable, Encodable {
    /// Packets queued up on its link, or were lost.
    case congestion
    /// It said nothing any more about what it gets.
    case noFeedback = "no_feedback"
    /// It asked for less (REMB).
    case bound
    /// Its link takes more.
    case room
    /// It was pinned to the encoding, or freed.
    case pinned
    /// The encoding that it had fell silent.
    case encodingLost = "encoding_lost"

    /// For the log.
    var words: String {
        switch self {
        case .congestion: "its link did not take more"
        case .noFeedback: "it does not say any more what it gets"
        case .bound: "it asked for less"
        case .room: "its link takes more"
        case .pinned: "it was pinned or freed"
        case .encodingLost: "the encoding that it had fell silent"
        }
    }
}
