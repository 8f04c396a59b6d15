/// What one side of an ICE session names itself by (RFC 8839 §5.4).
struct ICECredentials: Sendable, Hashable {
    var ufrag: String
    var pwd: String

    static let ufragSizes = 4...256
    static let pwdSizes = 22...256

    /// Of `ice-char` only, and as long as it may be.
    static func isSound(_ text: String, _ sizes: ClosedRange<Int>) -> Bool {
        sizes.contains(text.utf8.count) && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "/") }
    }
}
