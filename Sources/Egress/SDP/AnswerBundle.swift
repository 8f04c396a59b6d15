/// How the sections of an answer share one transport (RFC 9143 §7.3).
///
/// The offer's tagged section, the first of its group, carries the bundle. A client that loses it loses the whole bundle: when the other
/// sections are bundle-only, they have no transport. So the tagged section is never rejected; with nothing to send in it, it is inactive. A kind of
/// media that the stream lacks is inactive too, as in a browser's own answers (RFC 8829 §5.3.1): some clients take no answer that rejects a section.
struct AnswerBundle: Sendable, Hashable {
    /// The section that describes the transport: its ICE credentials and certificate count, and it has the candidates.
    let tagged: Int
    /// The bundled sections in the answer's order, the tagged section first; empty where the offer does not bundle.
    let sections: [Int]
    /// The members of `sections` in which nothing is sent.
    let inactive: Set<Int>

    /// - Parameter accepted: the sections with media, which share a bundle when there is more than one; at least one.
    init(_ offer: SDPOffer, accepted: [Int]) {
        let mids = accepted.map { offer.sections[$0].mid }
        guard let group = offer.bundles.first(where: { group in mids.allSatisfy { $0.map(group.contains) == true } }) else {
            (tagged, sections, inactive) = (accepted[0], [], [])
            return
        }
        let members = group.compactMap { mid in offer.sections.firstIndex { $0.mid == mid } }
        var kinds = Set(accepted.map { offer.sections[$0].kind })
        let kept = members.filter { index in
            let section = offer.sections[index]
            if accepted.contains(index) { return true }
            let isFirstOfKind = kinds.insert(section.kind).inserted
            let isWanted = index == offer.tagged(of: group) || (isFirstOfKind && ["video", "audio"].contains(section.kind))
            return isWanted && section.canCarryBundle
        }
        // The offer's tagged section, or another one where that can't be (RFC 9143 §7.3.1).
        let first = kept.first { offer.sections[$0].port != 0 } ?? kept[0]
        tagged = first
        sections = [first] + kept.filter { $0 != first }
        inactive = Set(kept).subtracting(accepted)
    }
}

extension SDPOffer {
    /// The section that describes a bundle's transport: the first that its group names (RFC 9143 §7.2) and that is not off.
    func tagged(of group: [String]) -> Int? {
        group.lazy.compactMap { mid in sections.firstIndex { $0.mid == mid } }.first { !sections[$0].isOff }
    }
}

extension SDPOffer.Section {
    /// Data channels (RFC 8841), which are not served; `DTLS/SCTP` is what older clients write.
    private static let dataProtocols: Set<String> = ["UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP"]

    var isData: Bool { Self.dataProtocols.contains(transportProtocol) }

    /// Whether the section can hold a bundle's transport although nothing is sent in it.
    fileprivate var canCarryBundle: Bool {
        guard !isOff, transport.iceUfrag != nil, transport.icePwd != nil, transport.fingerprint != nil else { return false }
        return isData || (isDTLSSRTP && hasRTCPMux && !inactiveFormats.isEmpty)
    }

    /// The formats that an answer names in a section in which nothing is sent: it has to name one, and one of the offer's (RFC 3264 §6.1).
    var inactiveFormats: [String] {
        guard !isData else { return formats }
        let codec = payloadTypes.first { codecs[$0].map { !$0.isAuxiliary } ?? ($0 < 96) } ?? payloadTypes.first
        return codec.map { [String($0)] } ?? []
    }
}
