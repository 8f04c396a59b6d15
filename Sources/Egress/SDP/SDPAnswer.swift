/// Writes the answer to an offer: ICE-lite, DTLS server, everything on one transport, all candidates at once (RFC 8829 §5.3, RFC 8839).
struct SDPAnswer: Sendable {
    let offer: SDPOffer
    let negotiation: CodecNegotiation
    let identity: ViewerIdentity
    /// The SHA-256 fingerprint of the engine's certificate.
    let fingerprint: String
    let candidates: [ICECandidate]
    /// The session id of the o= line (RFC 8866 §5.2).
    let sessionID: UInt64

    func write() -> String {
        var lines = [
            "v=0", "o=- \(sessionID) 1 IN IP4 127.0.0.1", "s=-", "t=0 0",
        ]
        let bundled = negotiation.bundle.sections.compactMap { offer.sections[$0].mid }
        if !bundled.isEmpty { lines.append("a=group:BUNDLE \(bundled.joined(separator: " "))") }
        lines.append("a=ice-lite")
        for index in offer.sections.indices {
            let section = offer.sections[index]
            if let video = negotiation.video, video.section == index {
                lines += media(index, "sendonly") + videoAttributes(video, section)
            } else if let audio = negotiation.audio, audio.section == index {
                lines += media(index, "sendonly") + audioAttributes(audio, section)
            } else if negotiation.bundle.inactive.contains(index) {
                lines += section.isData ? head(index) + dataAttributes(section) : media(index, "inactive") + inactiveAttributes(section)
                lines += unplayable(section)
            } else {
                lines += rejection(of: section) + unplayable(section)
                continue
            }
            // Strictly, candidates belong to the tagged section alone (RFC 9143 §7.1.3). Some clients take them from the last section.
            lines += transportAttributes
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    /// Rejected sections keep their place (RFC 3264 §6).
    private func rejection(of section: SDPOffer.Section) -> [String] {
        var lines = ["m=\(section.kind) 0 \(section.transportProtocol) \(section.formats.joined(separator: " "))", "c=IN IP4 0.0.0.0"]
        if let mid = section.mid { lines.append("a=mid:\(mid)") }
        // Nobody needs the credentials of a rejected section, but aiortc and GStreamer refuse an answer without them.
        lines += ["a=inactive", "a=ice-ufrag:\(identity.iceUfrag)", "a=ice-pwd:\(identity.icePwd)"]
        lines += ["a=fingerprint:sha-256 \(fingerprint)", "a=setup:passive"]
        return lines
    }

    private func head(_ index: Int, _ direction: String? = nil) -> [String] {
        let section = offer.sections[index]
        // The default destination is the candidate that is preferred (RFC 8839 §4.2.1.2).
        let port = candidates.first?.port ?? 9
        let address = candidates.first?.address ?? "0.0.0.0"
        let formats = negotiation.formats(of: index, in: offer).joined(separator: " ")
        var lines = ["m=\(section.kind) \(port) \(section.transportProtocol) \(formats)"]
        lines.append("c=IN \(IPAddress.isIPv6(address) ? "IP6" : "IP4") \(address)")
        if let mid = section.mid { lines.append("a=mid:\(mid)") }
        if let direction { lines.append("a=\(direction)") }
        // Strictly, only the tagged section needs these. Some clients look for them in each section, so each has them.
        lines += ["a=ice-ufrag:\(identity.iceUfrag)", "a=ice-pwd:\(identity.icePwd)"]
        lines += ["a=fingerprint:sha-256 \(fingerprint)", "a=setup:passive"]
        return lines
    }

    private func media(_ index: Int, _ direction: String) -> [String] {
        // RFC 8858 leaves rtcp-mux-only to offers; WHEP wants it in every bundled section of both (§4.5.1), and it harms nobody.
        var lines = head(index, direction) + ["a=rtcp-mux", "a=rtcp-mux-only"]
        if offer.sections[index].hasReducedSizeRTCP { lines.append("a=rtcp-rsize") }
        return lines
    }

    private func videoAttributes(_ video: CodecNegotiation.Video, _ section: SDPOffer.Section) -> [String] {
        var lines = [msid(section)]
        if let transportCC = video.transportCC {
            // What the viewer receives, this side sends (RFC 8285 §5).
            lines.append("a=extmap:\(transportCC.id)\(transportCC.direction == nil ? "" : "/sendonly") \(transportCC.uri)")
        }
        lines += codec(video.payloadType, section, video.parameters)
        lines += video.feedback.map { "a=rtcp-fb:\(video.payloadType) \($0)" }
        if let rtx = video.rtxPayloadType {
            lines += codec(rtx, section, "apt=\(video.payloadType)")
            lines.append("a=ssrc-group:FID \(identity.videoSSRC) \(identity.videoRTXSSRC)")
        }
        lines.append(cname(of: identity.videoSSRC))
        if video.rtxPayloadType != nil { lines.append(cname(of: identity.videoRTXSSRC)) }
        return lines
    }

    private func audioAttributes(_ audio: CodecNegotiation.Audio, _ section: SDPOffer.Section) -> [String] {
        [msid(section)] + codec(audio.payloadType, section, audio.parameters) + [cname(of: identity.audioSSRC)]
    }

    private func inactiveAttributes(_ section: SDPOffer.Section) -> [String] {
        section.inactiveFormats.compactMap { UInt8($0, radix: 10) }.flatMap { codec($0, section, section.parameters[$0] ?? "") }
    }

    /// Why an asked-for video is not there, for a player that wants to tell: what the stream has of it. Every other client passes over an attribute
    /// that it does not know (RFC 8866 §5.13).
    private func unplayable(_ section: SDPOffer.Section) -> [String] {
        guard section.kind == "video", section.isReceivable, !negotiation.unplayable.isEmpty else { return [] }
        return ["a=egress-unplayable:\(negotiation.unplayable.joined(separator: ", "))"]
    }

    /// Of data channels, which nobody answers: the port that was offered, since without one the section would be malformed (RFC 8841 §5.1).
    private func dataAttributes(_ section: SDPOffer.Section) -> [String] { section.dataAttributes.map { "a=\($0)" } }

    /// Both tracks belong to one stream, so that the viewer plays them in step.
    private func msid(_ section: SDPOffer.Section) -> String { "a=msid:\(identity.cname) \(section.kind)" }

    /// Names a codec as the offer does. A payload type of RFC 3551 may have no name there.
    private func codec(_ payloadType: UInt8, _ section: SDPOffer.Section, _ parameters: String) -> [String] {
        var lines = section.codecs[payloadType].map { ["a=rtpmap:\(payloadType) \($0.text)"] } ?? []
        if !parameters.isEmpty { lines.append("a=fmtp:\(payloadType) \(parameters)") }
        return lines
    }

    private func cname(of ssrc: UInt32) -> String { "a=ssrc:\(ssrc) cname:\(identity.cname)" }

    private var transportAttributes: [String] {
        candidates.map { "a=candidate:\($0.attribute)" } + ["a=end-of-candidates"]
    }
}
