#if Server
internal import FoundationEssentials

/// Reads JSON text once and stops at the first place that RFC 8259 does not allow, or where an object has a key a second time. Decoders allow that
/// and keep one of the two (§4). It decodes nothing: it exists to say what is wrong and where, which a decoder does not.
struct JSONSyntax {
    struct Problem: Error, Hashable, CustomStringConvertible {
        /// From 1.
        var line: Int
        /// From 1, in Unicode scalars, as editors count.
        var column: Int
        /// What is wrong, and what to write instead.
        var text: String

        var description: String { "line \(line), column \(column): \(text)" }
    }

    /// How deep objects and lists may be nested. No valid file comes near it.
    static let depthMax = 64

    private let bytes: [UInt8]
    private var at = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func check(_ bytes: some Sequence<UInt8>) throws(Problem) {
        var syntax = JSONSyntax(Array(bytes))
        // A byte order mark may be ignored (§8.1).
        if syntax.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { syntax.at = 3 }
        try syntax.value(depth: 0)
        try syntax.blanks()
        guard syntax.byte == nil else { throw syntax.problem("there is more text after the end: remove it") }
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(Problem) {
        try blanks()
        guard depth <= Self.depthMax else { throw problem("more than \(Self.depthMax) objects and lists are nested") }
        switch byte {
        case UInt8(ascii: "{"): try object(depth)
        case UInt8(ascii: "["): try list(depth)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "'"): throw problem("text needs double quotes: write \" instead of '")
        case nil: throw problem("the text ends where a value is expected")
        case let byte? where byte == UInt8(ascii: "-") || isDigit(byte): try number()
        default: try word()
        }
    }

    private mutating func object(_ depth: Int) throws(Problem) {
        var keys: Set<String> = []
        try members(of: "{", to: "}", "a key in double quotes") { syntax throws(Problem) in
            let begin = syntax.at
            guard syntax.byte == UInt8(ascii: "\"") else { throw syntax.problem("a key needs double quotes: \"key\": value") }
            try syntax.string()
            // Keys are compared as the decoder does: two that are written differently may be the same.
            let raw = Data(syntax.bytes[begin..<syntax.at])
            guard let key = try? JSONDecoder().decode(String.self, from: raw) else {
                throw syntax.problem("the key is not UTF-8", at: begin)
            }
            guard keys.insert(key).inserted else {
                throw syntax.problem(
                    "the key \(String(decoding: raw, as: UTF8.self)) appears twice in this object: remove one of them", at: begin)
            }
            try syntax.blanks()
            guard syntax.take(":") else { throw syntax.problem("a \":\" is expected after the key") }
            try syntax.value(depth: depth + 1)
        }
    }

    private mutating func list(_ depth: Int) throws(Problem) {
        try members(of: "[", to: "]", "a value") { syntax throws(Problem) in try syntax.value(depth: depth + 1) }
    }

    /// Members with commas between them, from one bracket to the other.
    private mutating func members(
        of open: Unicode.Scalar, to close: Unicode.Scalar, _ noun: String, _ member: (inout JSONSyntax) throws(Problem) -> Void
    ) throws(Problem) {
        _ = take(open)
        try blanks()
        if take(close) { return }
        while true {
            guard byte != UInt8(ascii: ",") else { throw problem("\(noun) is expected before the comma") }
            try member(&self)
            try blanks()
            if take(close) { return }
            let comma = at
            guard take(",") else { throw problem("a comma or \"\(close)\" is expected") }
            try blanks()
            guard byte != UInt8(clamping: close.value) else {
                throw problem("a comma before \"\(close)\" is not allowed: remove it", at: comma)
            }
        }
    }

    private mutating func word() throws(Problem) {
        let begin = at
        while let byte, UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 { at += 1 }
        switch String(decoding: bytes[begin..<at], as: UTF8.self) {
        case "true", "false", "null": return
        case "": throw problem("a value is expected")
        default: throw problem("text needs double quotes; only true, false, null and numbers have none", at: begin)
        }
    }

    /// §6.
    private mutating func number() throws(Problem) {
        let begin = at
        _ = take("-")
        if !take("0") { try digits("a number needs digits") }
        if let byte, isDigit(byte) { throw problem("a number must not begin with 0: remove it", at: begin) }
        if take(".") { try digits("a digit is expected after the decimal point") }
        guard take("e") || take("E") else { return }
        _ = take("+") || take("-")
        try digits("a digit is expected in the exponent")
    }

    private mutating func digits(_ problemText: String) throws(Problem) {
        let begin = at
        while let byte, isDigit(byte) { at += 1 }
        guard at > begin else { throw problem(problemText) }
    }

    /// §7.
    private mutating func string() throws(Problem) {
        let begin = at
        _ = take("\"")
        while let byte {
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return
            case UInt8(ascii: "\\"): try escape()
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): throw problem("the text that begins here has no end in this line", at: begin)
            case 0..<0x20:
                throw problem("a control character in a text is written as \\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))")
            default: at += 1
            }
        }
        throw problem("the text that begins here has no end", at: begin)
    }

    private mutating func escape() throws(Problem) {
        let begin = at
        at += 1
        guard let byte else { return }
        at += 1
        if "\"\\/bfnrt".utf8.contains(byte) { return }
        let isHexadecimal = bytes[at...].prefix(4).count { isDigit($0) || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0 | 0x20 } == 4
        guard byte == UInt8(ascii: "u"), isHexadecimal else {
            throw problem("this escape does not exist; write a backslash in a text as \\\\", at: begin)
        }
        at += 4
    }

    // MARK: Places

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard let byte, UInt32(clamping: byte) == scalar.value else { return false }
        at += 1
        return true
    }

    private mutating func blanks() throws(Problem) {
        while let byte, " \t\r\n".utf8.contains(byte) { at += 1 }
        if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "#") { throw problem("JSON has no comments: remove it") }
    }

    /// - Parameter place: where the problem is; `nil`: the present position.
    private func problem(_ text: String, at place: Int? = nil) -> Problem {
        let before = bytes[..<(place ?? at)]
        let line = before.reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        let inLine = before.suffix(from: (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)
        return Problem(
            line: line, column: String(decoding: inLine, as: UTF8.self).unicodeScalars.count { $0 != "\u{FEFF}" } + 1, text: text)
    }
}
#endif
