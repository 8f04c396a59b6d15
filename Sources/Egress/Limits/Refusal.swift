import HTTPTypes

/// A limit that a client has reached. The raw value is its name in metrics.
enum BittenLimit: String, Sendable, Hashable, CaseIterable {
    case joins, changes, connecting, viewers, draining, banned
    case joinsPerStream = "joins_per_stream"
    case joinsPerAddress = "joins_per_address"
    case changesPerAddress = "changes_per_address"
    case connectingPerAddress = "connecting_per_address"
    case viewersPerStream = "viewers_per_stream"
    case bitRate = "bit_rate"
    case counterOffers = "counter_offers"
    /// The size, lines, sections and candidates of an SDP that a client sends.
    case description = "sdp"

    /// 429 says that this client asks too often (RFC 6585 §4), 503 that all clients together do.
    var status: HTTPResponse.Status {
        switch self {
        case .joinsPerAddress, .changesPerAddress, .connectingPerAddress: .tooManyRequests
        case .banned: .forbidden
        default: .serviceUnavailable
        }
    }
}

/// Why a request is refused before anything was done for it.
struct Refusal: Sendable, Hashable {
    let limit: BittenLimit
    let detail: String
    /// For at least this long the same request would be refused again.
    let wait: Duration

    /// The wait in whole seconds, as `Retry-After` has it.
    var retryAfter: Int { max(1, Int(saturating: (wait / .seconds(1)).rounded(.up))) }
}
