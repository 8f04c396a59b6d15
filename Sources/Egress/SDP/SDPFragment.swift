/// ICE information of one transport, `application/trickle-ice-sdpfrag` (RFC 8840 §9).
///
/// Candidates are read and counted, no more: this side is ICE-lite and learns where a viewer is from its checks.
struct SDPFragment: Sendable, Hashable {
    static let mediaType = "application/trickle-ice-sdpfrag"

    /// The most that is accepted. A browser's fragment is 2 KB with 10 candidates.
    enum Limits {
        static let sizeMax = 16 * 1024
        static let linesMax = 256
        static let lineSizeMax = 1_024
        static let candidatesMax = 128
    }

    /// Where a fragment's transport belongs in the session's descriptions.
    struct Section: Sendable, Hashable {
        /// The m= line.
        var media: String
        var mid: String?
        var bundle: [String]
    }

    /// `nil` when the fragment has only candidates.
    var credentials: ICECredentials?
    /// The number of candidates that checks could come from.
    var candidates = 0
    /// The number of other candidates: TCP, and names that only the viewer's network can resolve. They are ignored.
    var candidatesUnusable = 0
    var hasEnd = false

    /// - Throws: ``EgressError/Code/invalidOffer``, which names the line.
    static func parse(_ bytes: some Collection<UInt8>) throws(EgressError) -> SDPFragment {
        guard bytes.count <= Limits.sizeMax else {
            throw .invalidOffer("the fragment is longer than \(Limits.sizeMax) bytes", limit: .description)
        }
        guard let lines = SDPText.lines(of: bytes) else { throw .invalidOffer("the fragment is not text") }
        var parser = SDPFragmentParser()
        for line in lines { try parser.take(line) }
        return try parser.finished()
    }

    /// The answer to an ICE restart: credentials and every candidate of this side, which stays ICE-lite (WHEP §4.4.3).
    static func write(_ section: Section, _ credentials: ICECredentials, _ candidates: [ICECandidate]) -> String {
        var lines = ["a=ice-lite"]
        if !section.bundle.isEmpty { lines.append("a=group:BUNDLE \(section.bundle.joined(separator: " "))") }
        lines.append(section.media)
        if let mid = section.mid { lines.append("a=mid:\(mid)") }
        lines += ["a=ice-ufrag:\(credentials.ufrag)", "a=ice-pwd:\(credentials.pwd)"]
        lines += candidates.map { "a=candidate:\($0.attribute)" }
        lines.append("a=end-of-candidates")
        return lines.map { $0 + "\r\n" }.joined()
    }
}

/// Reads a fragment line by line, within ``SDPFragment/Limits``.
private struct SDPFragmentParser {
    private typealias Limits = SDPFragment.Limits

    private var fragment = SDPFragment()
    private var ufrag: String?
    private var pwd: String?
    private var line = 0

    mutating func take(_ text: Substring) throws(EgressError) {
        line += 1
        guard line <= Limits.linesMax else {
            throw .invalidOffer("the fragment has more than \(Limits.linesMax) lines", limit: .description)
        }
        guard !text.isEmpty else { return }
        guard text.utf8.count <= Limits.lineSizeMax else { throw excess("it is longer than \(Limits.lineSizeMax) bytes") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw failure("it holds a control character") }
        guard text.dropFirst().first == "=", let type = text.first, type.isASCII, type.isLowercase else {
            throw failure("it is not an SDP line")
        }
        if type == "a" { try takeAttribute(text.dropFirst(2)) }
    }

    func finished() throws(EgressError) -> SDPFragment {
        var fragment = fragment
        switch (ufrag, pwd) {
        case (let ufrag?, let pwd?): fragment.credentials = ICECredentials(ufrag: ufrag, pwd: pwd)
        case (nil, nil): break
        default: throw .invalidOffer("the fragment has one of a=ice-ufrag and a=ice-pwd without the other")
        }
        guard fragment.credentials != nil || fragment.hasEnd || fragment.candidates + fragment.candidatesUnusable > 0 else {
            throw .invalidOffer("the fragment has no ICE credentials and no candidates")
        }
        return fragment
    }

    /// There is one transport, that of the bundle, and the bundle's first section describes it (RFC 8843 §7.2.1).
    private mutating func takeAttribute(_ text: Substring) throws(EgressError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count > 1 ? parts[1].trimmed : ""
        switch parts[0] {
        case "ice-ufrag" where ufrag == nil: ufrag = try credential(value, ICECredentials.ufragSizes)
        case "ice-pwd" where pwd == nil: pwd = try credential(value, ICECredentials.pwdSizes)
        case "candidate": try takeCandidate(value)
        case "end-of-candidates": fragment.hasEnd = true
        default: break
        }
    }

    private func credential(_ text: String, _ sizes: ClosedRange<Int>) throws(EgressError) -> String {
        guard ICECredentials.isSound(text, sizes) else {
            throw failure("an ICE credential has \(sizes.lowerBound) to \(sizes.upperBound) letters, digits, + or /")
        }
        return text
    }

    /// `foundation component transport priority address port typ type …` (RFC 8839 §5.1)
    private mutating func takeCandidate(_ text: String) throws(EgressError) {
        let fields = text.split(separator: " ")
        guard fields.count >= 8, UInt16(fields[1], radix: 10) != nil, UInt32(fields[3], radix: 10) != nil,
            UInt16(fields[5], radix: 10) != nil, fields[6] == "typ"
        else {
            throw failure("a=candidate needs a foundation, component, transport, priority, address, port and type")
        }
        guard fragment.candidates + fragment.candidatesUnusable < Limits.candidatesMax else {
            throw excess("it is one candidate too many")
        }
        if fields[2].lowercased() == "udp", IPAddress.isNumeric(String(fields[4])) {
            fragment.candidates += 1
        } else {
            fragment.candidatesUnusable += 1
        }
    }

    private func failure(_ reason: String) -> EgressError { .invalidOffer("line \(line) of the fragment: \(reason)") }

    private func excess(_ reason: String) -> EgressError {
        .invalidOffer("line \(line) of the fragment: \(reason)", limit: .description)
    }
}
