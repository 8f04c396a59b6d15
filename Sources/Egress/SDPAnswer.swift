/// Writes the answer to an offer: ICE-lite, DTLS server, everything on one transport, all candidates at once (RFC 8829 §5.3, RFC 8839).
struct SDPAnswer: Sendable {
    let offer: SDPOffer
    let negotiation: CodecNegotiation
    let identity: ViewerIdentity
    /// Of the engine's certificate, SHA-256.
    let fingerprint: String
    let candidates: [ICECandidate]
    /// Of the o= line (RFC 8866 §5.2).
    let sessionID: UInt64

    func write() -> String {
        var lines = [
            "v=0", "o=- \(sessionID) 1 IN IP4 127.0.0.1", "s=-", "t=0 0",
        ]
        let mids = negotiation.sections.compactMap { offer.sections[$0].mid }
        if !mids.isEmpty && !offer.bundles.isEmpty { lines.append("a=group:BUNDLE \(mids.joined(separator: " "))") }
        lines.append("a=ice-lite")
        for (index, section) in offer.sections.enumerated() {
            if let video = negotiation.video, video.section == index {
                lines += media(section, videoFormats(video)) + videoAttributes(video)
            } else if let audio = negotiation.audio, audio.section == index {
                lines += media(section, [audio.payloadType]) + audioAttributes(audio)
            } else {
                lines += rejection(of: section)
                continue
            }
            // The transport belongs to the bundle's first section; the others share it (RFC 8843 §7.1.3).
            if index == negotiation.sections.first { lines += transportAttributes }
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    /// Rejected sections keep their place (RFC 3264 §6).
    private func rejection(of section: SDPOffer.Section) -> [String] {
        var lines = ["m=\(section.kind) 0 \(section.transportProtocol) \(section.formats.joined(separator: " "))", "c=IN IP4 0.0.0.0"]
        if let mid = section.mid { lines.append("a=mid:\(mid)") }
        // Nobody needs credentials of a section that is not there, but aiortc refuses an answer without them.
        lines += ["a=inactive", "a=ice-ufrag:\(identity.iceUfrag)", "a=ice-pwd:\(identity.icePwd)"]
        return lines
    }

    private func media(_ section: SDPOffer.Section, _ formats: [UInt8]) -> [String] {
        // The default destination is the candidate that is preferred (RFC 8839 §4.2.1.2).
        let port = candidates.first?.port ?? 9
        let address = candidates.first?.address ?? "0.0.0.0"
        var lines = ["m=\(section.kind) \(port) \(section.transportProtocol) \(formats.map(String.init).joined(separator: " "))"]
        lines.append("c=IN \(IPAddress.isIPv6(address) ? "IP6" : "IP4") \(address)")
        if let mid = section.mid { lines.append("a=mid:\(mid)") }
        lines.append("a=sendonly")
        // Strictly, only the first section needs these. Clients that look for them in each find them in each.
        lines += ["a=ice-ufrag:\(identity.iceUfrag)", "a=ice-pwd:\(identity.icePwd)"]
        lines += ["a=fingerprint:sha-256 \(fingerprint)", "a=setup:passive", "a=rtcp-mux"]
        // RFC 8858 leaves it to offers; WHEP wants it in every bundled section of both (§4.5.1), and it harms nobody.
        lines.append("a=rtcp-mux-only")
        if section.hasReducedSizeRTCP { lines.append("a=rtcp-rsize") }
        // One stream, so that the viewer plays both tracks in step.
        lines.append("a=msid:\(identity.cname) \(section.kind)")
        return lines
    }

    private func videoFormats(_ video: CodecNegotiation.Video) -> [UInt8] {
        [video.payloadType] + (video.rtxPayloadType.map { [$0] } ?? [])
    }

    private func videoAttributes(_ video: CodecNegotiation.Video) -> [String] {
        var lines = ["a=rtpmap:\(video.payloadType) H264/90000", "a=fmtp:\(video.payloadType) \(video.parameters)"]
        lines += video.feedback.map { "a=rtcp-fb:\(video.payloadType) \($0)" }
        if let rtx = video.rtxPayloadType {
            lines += ["a=rtpmap:\(rtx) rtx/90000", "a=fmtp:\(rtx) apt=\(video.payloadType)"]
            lines.append("a=ssrc-group:FID \(identity.videoSSRC) \(identity.videoRTXSSRC)")
        }
        lines.append(cname(of: identity.videoSSRC))
        if video.rtxPayloadType != nil { lines.append(cname(of: identity.videoRTXSSRC)) }
        return lines
    }

    private func audioAttributes(_ audio: CodecNegotiation.Audio) -> [String] {
        [
            "a=rtpmap:\(audio.payloadType) opus/48000/2", "a=fmtp:\(audio.payloadType) \(audio.parameters)",
            cname(of: identity.audioSSRC),
        ]
    }

    private func cname(of ssrc: UInt32) -> String { "a=ssrc:\(ssrc) cname:\(identity.cname)" }

    private var transportAttributes: [String] {
        candidates.map { "a=candidate:\($0.attribute)" } + ["a=end-of-candidates"]
    }
}
