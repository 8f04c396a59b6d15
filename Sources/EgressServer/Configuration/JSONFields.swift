#if Server
internal import Egress
internal import FoundationEssentials

/// A JSON object whose fields are read by name and type. A key that is not declared as known is an error, because a mistyped option that silently
/// does nothing costs an evening.
struct JSONFields {
    let source: String
    /// The path of the object, for example "streams.cam"; empty at the top.
    let path: String
    let values: [String: JSONValue]

    init(_ value: JSONValue, source: String, path: String = "", known: Set<String>) throws(ConfigurationError) {
        self.source = source
        self.path = path
        guard case .object(let values) = value else {
            throw ConfigurationError(source: source, field: path.isEmpty ? nil : path, problem: "expected an object, found \(value.kind)")
        }
        // A field that is null counts as absent.
        self.values = values.filter { $0.value != .null }
        guard let stranger = values.keys.sorted().first(where: { !known.contains($0) }) else { return }
        throw ConfigurationError(
            source: source, field: Self.join(path, stranger),
            problem: "unknown field; known are \(known.sorted().joined(separator: ", "))")
    }

    /// The object in `bytes`.
    static func parse(_ bytes: some Sequence<UInt8>, source: String) throws(ConfigurationError) -> JSONValue {
        do throws(JSONSyntax.Problem) {
            try JSONSyntax.check(bytes)
        } catch {
            throw ConfigurationError(source: source, field: nil, problem: "not JSON: \(error)")
        }
        do {
            return try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch {
            // The syntax is right, so the text is not UTF-8, or a number is too large.
            let problem = "not JSON: a text that is not UTF-8, or a number that is too large"
            throw ConfigurationError(source: source, field: nil, problem: problem)
        }
    }

    func field(_ key: String) -> String { Self.join(path, key) }

    func failure(_ key: String, _ problem: String) -> ConfigurationError {
        ConfigurationError(source: source, field: field(key), problem: problem)
    }

    func string(_ key: String) throws(ConfigurationError) -> String? {
        switch values[key] {
        case nil: return nil
        case .string(let text)?: return text
        case let other?: throw failure(key, "expected text, found \(other.kind)")
        }
    }

    func bool(_ key: String) throws(ConfigurationError) -> Bool? {
        switch values[key] {
        case nil: return nil
        case .bool(let value)?: return value
        case let other?: throw failure(key, "expected true or false, found \(other.kind)")
        }
    }

    /// A time of at most so many seconds.
    func seconds(_ key: String, max: Int) throws(ConfigurationError) -> Duration? {
        guard let value = values[key] else { return nil }
        guard case .number(let seconds) = value else { throw failure(key, "expected a number, found \(value.kind)") }
        guard (0...Double(max)).contains(seconds) else { throw failure(key, "is not within 0..\(max)") }
        return Duration(outsideSeconds: seconds)
    }

    func strings(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let value = values[key] else { return nil }
        guard case .array(let list) = value else { throw failure(key, "expected a list of texts, found \(value.kind)") }
        var texts: [String] = []
        for (index, element) in list.enumerated() {
            guard case .string(let text) = element else { throw failure("\(key)[\(index)]", "expected text, found \(element.kind)") }
            texts.append(text)
        }
        return texts
    }

    /// Decodes the whole object. The error names the first wrong field.
    func decode<Value: Decodable>(_ type: Value.Type) throws(ConfigurationError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: JSONEncoder().encode(JSONValue.object(values)))
        } catch let error as DecodingError {
            if case .dataCorrupted(let context) = error, context.codingPath.isEmpty, let key = unrepresentableField(for: type) {
                throw failure(key, "is out of range")
            }
            let (keys, problem) = explain(error)
            let field = keys.reduce(path, Self.join)
            throw ConfigurationError(source: source, field: field.isEmpty ? nil : field, problem: problem)
        } catch {
            throw ConfigurationError(source: source, field: path.isEmpty ? nil : path, problem: "\(error)")
        }
    }

    private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func explain(_ error: DecodingError) -> (keys: [String], problem: String) {
        func names(_ path: [any CodingKey]) -> [String] { path.map { $0.intValue.map(String.init) ?? $0.stringValue } }
        switch error {
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            let keys = names(context.codingPath)
            return (keys, "expected \(Self.noun(type)), found \(kind(at: keys))")
        case .keyNotFound(let key, let context): return (names(context.codingPath + [key]), "is missing")
        case .dataCorrupted(let context): return (names(context.codingPath), context.debugDescription)
        @unknown default: return ([], "\(error)")
        }
    }

    /// Finds the number that its type can't hold, which the decoder does not tell. Every field may be absent, so each can be tried alone.
    private func unrepresentableField(for type: (some Decodable).Type) -> String? {
        values.keys.sorted().first { key in
            do {
                _ = try JSONDecoder().decode(type, from: JSONEncoder().encode([key: values[key]]))
                return false
            } catch DecodingError.dataCorrupted(let context) {
                return context.codingPath.isEmpty
            } catch {
                return false
            }
        }
    }

    private func kind(at keys: [String]) -> String {
        var value = JSONValue.object(values)
        for key in keys {
            switch value {
            case .object(let fields): value = fields[key] ?? .null
            case .array(let list): value = Int(key, radix: 10).flatMap { list.indices.contains($0) ? list[$0] : nil } ?? .null
            default: break
            }
        }
        return value.kind
    }

    private static func noun(_ type: any Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type, is any BinaryFloatingPoint.Type: "a number"
        case is [String: JSONValue].Type: "an object"
        default: "\(type)".hasPrefix("Array") ? "a list" : "\(type)"
        }
    }
}
#endif
