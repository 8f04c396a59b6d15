#if Server
internal import Egress
internal import FoundationEssentials

/// The list of streams. It has them when it comes, and `index.js` shows them and keeps them up to date.
enum IndexPage {
    struct Row: Sendable, Hashable, Encodable {
        var id: String
        var state: String
        var viewers: Int
        var encodings: [Encoding] = []
        var hasBFrames = false

        /// As the API has it, without what is for the operator alone.
        struct Encoding: Sendable, Hashable, Encodable {
            var codec: VideoCodec
        }

        private enum CodingKeys: String, CodingKey {
            case id, state, viewers, encodings
            case hasBFrames = "has_b_frames"
        }
    }

    private static let page = HTMLPage(PackageResources.index_html)

    /// - Parameter rows: nil where the list is not for everybody: the page asks for it with the token that its address carries.
    static func html(_ rows: [Row]?) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Text and whole numbers, which JSON has for sure.
        let json = (try? encoder.encode(rows)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
        return page.filled(with: ["streams": json])
    }
}
#endif
