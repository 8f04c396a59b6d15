/// How the sections of an answer share one transport (RFC 9143 §7.3).
///
/// The offer's tagged section, the first of its group, carries the bundle. Clients lose the whole bundle with it: where the others are
/// bundle-only, nothing else has a transport. So it is never rejected: with nothing to send in it, it is inactive. A kind of media that the
/// stream lacks is inactive too, like in a browser's own answers (RFC 8829 §5.3.1), since some clients take no answer that rejects a section.
struct AnswerBundle: Sendable, Hashable {
    /// The section that speaks for the transport: its ICE credentials and certificate count, and the candidates stand in it.
    let tagged: Int
    /// In the answer's order, the tagged section first; empty where the offer does not bundle them.
    let sections: [Int]
    /// Those of `sections` in which nothing is sent.
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
        // Another one than the offer's only where that can't be (RFC 9143 §7.3.1).
        let first = kept.first { offer.sections[$0].port != 0 } ?? kept[0]
        tagged = first
        sections = [first] + kept.filter { $0 != first }
        inactive = Set(kept).subtracting(accepted)
    }
}

extension SDPOffer {
    /// The section that speaks for a bundle: the first that its group names (RFC 9143 §7.2). One that is off can't.
    func tagged(of group: [String]) -> Int? {
        group.lazy.compactMap { mid in sections.firstIndex { $0.mid == mid } }.first { !sections[$0].isOff }
    }
}

extension SDPOffer.Section {
    /// Data channels (RFC 8841), which are not served; `DTLS/SCTP` is what older clients write.
    private static let dataProtocols: Set<String> = ["UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP"]

    var isData: Bool { Self.dataProtocols.contains(transportProtocol) }

    /// It can hold a bundle's transport although nothing is sent in it.
    fileprivate var canCarryBundle: Bool {
        guard !isOff, transport.iceUfrag != nil, transport.icePwd != nil, transport.fingerprint != nil else { return false }
        return isData || (isDTLSSRTP && hasRTCPMux && !inactiveFormats.isEmpty)
    }

    /// What an answer names of a section in which nothing is sent: something has to be, and it has to be of the offer (RFC 3264 §6.1).
    var inactiveFormats: [String] {
        guard !isData else { return formats }
        let codec = payloadTypes.first { codecs[$0].map { !$0.isAuxiliary } ?? ($0 < 96) } ?? payloadTypes.first
        return codec.map { [String($0)] } ?? []
    }
}
