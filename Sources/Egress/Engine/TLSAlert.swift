/// An alert that a DTLS handshake failed with (RFC 5246 §7.2).
struct TLSAlert: Sendable, Hashable {
    let number: UInt8
    /// This side sent it. The client's may be somebody else's forgery: during a handshake alerts are not protected.
    let isOurs: Bool

    /// `nil` where there was none.
    init?(number: Int32, isOurs: Bool) {
        guard let number = UInt8(exactly: number) else { return nil }
        self.number = number
        self.isOurs = isOurs
    }

    /// The name in the RFC; the number where it has none here.
    var name: String { Self.names[number] ?? "alert \(number)" }

    /// Follows the reason why a viewer was closed.
    var words: String { isOurs ? "this side refused with \(name)" : "the client refused with \(name)" }

    private static let names: [UInt8: String] = [
        10: "unexpected_message", 20: "bad_record_mac", 40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
        44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca",
        49: "access_denied", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security",
        80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 109: "missing_extension", 110: "unsupported_extension",
        112: "unrecognized_name", 116: "certificate_required", 120: "no_application_protocol",
    ]
}
