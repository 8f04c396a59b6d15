#if Server
/// An `.html` file of this folder. Where it says `{{name}}`, in text or between the quotes of an attribute, it gets a value, always escaped.
struct HTMLPage: Sendable {
    /// Text of the file and names of values by turns. It is split before any value is put in: a value that looks like a placeholder stays a value.
    private let pieces: [String]

    init(_ file: [UInt8]) {
        pieces = String(decoding: file, as: UTF8.self).split(separator: #/{{|}}/#, omittingEmptySubsequences: false).map(String.init)
    }

    func filled(with values: [String: String]) -> String {
        pieces.enumerated().map { index, piece in
            index.isMultiple(of: 2) ? piece : HTML.escape(values[piece, default: ""])
        }.joined()
    }
}
#endif
