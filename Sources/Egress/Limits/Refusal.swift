import HTTPTypes

/// A limit that bit. The raw value is its name in metrics.
enum BittenLimit: String, Sendable, Hashable, CaseIterable {
    case joins, changes, connecting, viewers, draining, banned
    case joinsPerStream = "joins_per_stream"
    case joinsPerAddress = "joins_per_address"
    case changesPerAddress = "changes_per_address"
    case connectingPerAddress = "connecting_per_address"
    case viewersPerStream = "viewers_per_stream"
    case bitRate = "bit_rate"
    case counterOffers = "counter_offers"
    /// Size, lines, sections, candidates of what a client sends.
    case description = "sdp"

    /// 429 is about the one who asks (RFC 6585 §4), 503 about everybody.
    var status: HTTPResponse.Status {
        switch self {
        case .joinsPerAddress, .changesPerAddress, .connectingPerAddress: .tooManyRequests
        case .banned: .forbidden
        default: .serviceUnavailable
        }
    }
}

/// Why a request goes no further, before anything was done for it.
struct Refusal: Sendable, Hashable {
    let limit: BittenLimit
    let detail: String
    /// At least this long the same would happen again.
    let wait: Duration

    /// In whole seconds, as `Retry-After` has it.
    var retryAfter: Int { max(1, Int(saturating: (wait / .seconds(1)).rounded(.up))) }
}
