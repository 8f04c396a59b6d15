/// The credentials of one side of an ICE session (RFC 8839 §5.4).
struct ICECredentials: Sendable, Hashable {
    var ufrag: String
    var pwd: String

    static let ufragSizes = 4...256
    static let pwdSizes = 22...256

    /// Makes credentials of the same sizes as the engine's own.
    static func random() -> ICECredentials {
        var generator = SystemRandomNumberGenerator()
        func text(_ size: Int) -> String { String((0..<size).compactMap { _ in characters.randomElement(using: &generator) }) }
        return ICECredentials(ufrag: text(8), pwd: text(24))
    }

    private static let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    /// Whether the text has only `ice-char`s, and a size that is allowed.
    static func isSound(_ text: String, _ sizes: ClosedRange<Int>) -> Bool {
        sizes.contains(text.utf8.count) && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "/") }
    }
}
