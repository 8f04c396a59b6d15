import HTTPTypes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Why a request was refused, as `application/problem+json` (RFC 9457).
struct WHEPProblem: Sendable, Hashable, Encodable {
    static let contentType = "application/problem+json"

    /// `about:blank` means that the title is the status', and the detail says the rest.
    var type = "about:blank"
    var title: String
    var status: Int
    var detail: String
    /// An extension (RFC 9457 §3.2), for programs: why a session has ended, by the name that the metrics use.
    var reason: String?

    init(_ status: HTTPResponse.Status, _ detail: String, reason: String? = nil) {
        title = status.reasonPhrase
        self.status = status.code
        self.detail = detail
        self.reason = reason
    }

    var body: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and numbers can always be encoded.
        return (try? encoder.encode(self)).map(Array.init) ?? []
    }
}

extension EgressError {
    /// The status that an HTTP client gets.
    var status: HTTPResponse.Status {
        switch code {
        case .invalidOffer: .badRequest
        case .notFound: .notFound
        case .notActive: .conflict
        case .noCommonCodec, .unsupportedOffer, .unavailableEncoding: .unprocessableContent
        case .limitReached: limit?.status ?? .serviceUnavailable
        // Not 404: players take a 404 for the end of the stream and give up.
        case .shutDown: .serviceUnavailable
        default: .internalServerError
        }
    }

    /// For `Retry-After`, in seconds, when the same request may succeed later.
    var retryAfter: Int? {
        switch code {
        case .notActive, .shutDown: 2
        case .limitReached: 10
        default: nil
        }
    }
}
