#if Server
internal import Egress

/// The `webrtc` block as an operator or a host writes it, read strictly: an unknown field is an error, and so is one that `normalized()` refuses.
struct WebRTCBlock: Sendable, Hashable {
    var config = WebRTCConfig()
    /// A word in place of the list, which is made of what the input turns out to be. Only a server that reads the input itself can find that out.
    var automatic: AutomaticEncodings?

    /// - Parameter isOurs: FFmpeg is run here.
    init(json: JSONValue, isOurs: Bool, source: String, path: String = "") throws(ConfigurationError) {
        let fields = try JSONFields(json, source: source, path: path, known: WebRTCConfig.fieldNames)
        if let text = try fields.string("audio_codec") { try Self.check(text, AudioCodec.self, fields, "audio_codec") }
        // The library's reader does not know the word, nor which of the list's entries it fails at.
        let others = fields.values.filter { $0.key != "encodings" }
        config = try JSONFields(.object(others), source: source, path: path, known: WebRTCConfig.fieldNames).decode(WebRTCConfig.self)
        switch fields.values["encodings"] {
        case nil: break
        case .array(let list)?: config.encodings = try Self.encodings(list, fields)
        case .string(let text)?:
            automatic = try Self.automatic(text, isOurs, fields)
        case let other?: throw fields.failure("encodings", "expected a list of encodings, found \(other.kind)")
        }
        try checkWhole(source, path)
    }

    private static func encodings(_ list: [JSONValue], _ fields: JSONFields) throws(ConfigurationError) -> [Encoding] {
        var encodings: [Encoding] = []
        for (index, element) in list.enumerated() {
            let path = fields.field("encodings[\(index)]")
            let entry = try JSONFields(element, source: fields.source, path: path, known: Encoding.fieldNames)
            if let text = try entry.string("codec") { try check(text, VideoCodec.self, entry, "codec") }
            encodings.append(try entry.decode(Encoding.self))
        }
        return encodings
    }

    private static func check<Codec: RawRepresentable<String> & CaseIterable>(
        _ text: String, _: Codec.Type, _ fields: JSONFields, _ key: String
    ) throws(ConfigurationError) {
        guard Codec(rawValue: text) == nil else { return }
        throw fields.failure(key, "there is no codec \"\(text)\"; there are \(Codec.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    private static func automatic(
        _ word: String, _ isOurs: Bool, _ fields: JSONFields
    ) throws(ConfigurationError) -> AutomaticEncodings {
        guard isOurs else {
            throw fields.failure(
                "encodings",
                "\"\(word)\" is for streams of the configuration file, whose input Egress looks at itself; give a list of encodings here")
        }
        if let automatic = AutomaticEncodings(rawValue: word) { return automatic }
        let words = AutomaticEncodings.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " and ")
        throw fields.failure("encodings", "\"\(word)\" is unknown; the words are \(words), and else it is a list of encodings")
    }

    /// What can't stand beside a list can't stand beside the word either.
    private func checkWhole(_ source: String, _ path: String) throws(ConfigurationError) {
        var whole = config
        if automatic != nil { whole.encodings = [Encoding()] }
        do {
            _ = try whole.normalized()
        } catch {
            throw ConfigurationError(source: source, field: path.isEmpty ? nil : path, problem: error.message)
        }
    }
}
#endif
