/// Which format of a section stands for what a stream has.
extension SDPOffer.Section {
    /// The payload type for a video of this format; `nil`: the section has none that plays it.
    func payloadType(for format: VideoFormat) -> UInt8? {
        switch format.codec {
        case .h264: h264(format)
        case .h265, .vp8, .vp9, .av1: named(format.codec.sdpName) { plays(format, as: $0) }
        }
    }

    /// Whether what decodes this payload type plays a video of this format, which is of the same codec.
    func plays(_ format: VideoFormat, as payloadType: UInt8) -> Bool {
        switch format.codec {
        case .h264:
            h264Profile(of: payloadType).map { format.profile.playableBy.contains($0) } == true
                || (codecs[payloadType]?.isNamed("H264") == true && parameter("profile-level-id", of: payloadType) == nil)
        case .h265: isPlayableH265(payloadType, format)
        case .vp8: holds(payloadType, format)
        case .vp9: number("profile-id", of: payloadType, default: 0) == format.profileIDC && holds(payloadType, format)
        // The level is not compared: Chromium names one for small pictures (5, which is 3.1) and plays larger ones.
        case .av1: number("profile", of: payloadType, default: 0) == format.profileIDC
        }
    }

    /// The payload type for the sound.
    func payloadType(for codec: AudioCodec) -> UInt8? {
        switch codec {
        // RFC 7587 §7 always has two channels there; clients that leave them out mean the same codec.
        case .opus: payloadTypes.first { codecs[$0].map { $0.isNamed("opus") && $0.clockRate == 48_000 && $0.channels <= 2 } ?? false }
        case .pcmu: telephone("PCMU", 0)
        case .pcma: telephone("PCMA", 8)
        case .g722: telephone("G722", 9)
        }
    }

    /// What the answer says of a format that is taken: what was offered. Of H.264 only what both sides have to agree on: the level may differ from
    /// the stream's, since with asymmetry allowed it limits what the viewer sends, and decoders play above theirs as far as they can.
    func answerParameters(of payloadType: UInt8, _ codec: VideoCodec) -> String {
        guard codec == .h264 else { return parameters[payloadType] ?? "" }
        return ["level-asymmetry-allowed", "packetization-mode", "profile-level-id"].compactMap { name in
            parameter(name, of: payloadType).map { "\(name)=\($0)" }
        }.joined(separator: ";")
    }

    /// A format as a refusal names it: with what decides whether it is taken.
    func describe(_ codec: SDPOffer.Codec, _ payloadType: UInt8) -> String {
        if let profile = h264Profile(of: payloadType) {
            return "H.264 \(profile.name) (packetization-mode \(parameter("packetization-mode", of: payloadType) ?? "0"))"
        }
        let limit = parameter("max-fs", of: payloadType).map { " (max-fs \($0))" } ?? ""
        if codec.isNamed("H265") { return describeH265(payloadType) }
        if codec.isNamed("VP8") { return "VP8\(limit)" }
        if codec.isNamed("VP9") { return "VP9 profile \(parameter("profile-id", of: payloadType) ?? "0")\(limit)" }
        if codec.isNamed("AV1") { return "AV1 profile \(parameter("profile", of: payloadType) ?? "0")" }
        return codec.name
    }

    private func describeH265(_ payloadType: UInt8) -> String {
        let format = VideoFormat(
            codec: .h265, profileIDC: number("profile-id", of: payloadType, default: 1),
            constraints: number("tier-flag", of: payloadType, default: 0), levelIDC: 0, width: 0, height: 0)
        let mode = parameter("tx-mode", of: payloadType).map { $0.uppercased() } ?? "SRST"
        return format.codecName + (mode == "SRST" ? "" : " (tx-mode \(mode))")
    }

    /// Whether a format of this codec is there at all.
    func mentions(_ codec: VideoCodec) -> Bool {
        payloadTypes.contains { codecs[$0]?.isNamed(codec.sdpName) == true }
    }

    /// The profile of an H.264 format; without `profile-level-id` it is Baseline (RFC 6184 §8.1).
    func h264Profile(of payloadType: UInt8) -> H264Profile? {
        guard codecs[payloadType]?.isNamed("H264") == true else { return nil }
        guard let profileLevelID = parameter("profile-level-id", of: payloadType) else { return .baseline }
        return H264Profile(profileLevelID: profileLevelID)
    }

    private func named(_ name: String, where matches: (UInt8) -> Bool) -> UInt8? {
        payloadTypes.first { codecs[$0]?.isNamed(name) == true && matches($0) }
    }

    /// The closest profile in packetization-mode 1, which FFmpeg's fragments and aggregates are. Where none is offered, the closest in mode 0, or
    /// without a mode, which is the same (RFC 6184 §8.1): what unpacks RTP takes all kinds. In the end a format without a profile: that would mean
    /// Baseline, but decoders that say nothing of themselves, like GStreamer's, play any.
    private func h264(_ format: VideoFormat) -> UInt8? {
        let offered = payloadTypes.filter { h264Profile(of: $0) != nil }
        let modes = ["1", "0"].map { mode in offered.filter { parameter("packetization-mode", of: $0) ?? "0" == mode } }
        for mode in modes {
            let closest = format.profile.playableBy.lazy.compactMap { profile in mode.first { h264Profile(of: $0) == profile } }.first
            if let closest { return closest }
        }
        return modes.joined().first { parameter("profile-level-id", of: $0) == nil }
    }

    /// Profile and tier have to be the stream's; without them they are 1 and 0. One RTP stream is all there is (RFC 7798 §7.1).
    private func isPlayableH265(_ payloadType: UInt8, _ format: VideoFormat) -> Bool {
        number("profile-id", of: payloadType, default: 1) == format.profileIDC
            && number("tier-flag", of: payloadType, default: 0) == format.tier
            && (parameter("tx-mode", of: payloadType) ?? "SRST").uppercased() == "SRST"
    }

    /// `max-fs` is the largest picture that a decoder takes, in macroblocks, of which no side may have more than √(8 max-fs) (RFC 7741 §6.1,
    /// RFC 9628 §6.1).
    private func holds(_ payloadType: UInt8, _ format: VideoFormat) -> Bool {
        guard let text = parameter("max-fs", of: payloadType), let number = UInt32(text, radix: 10) else { return true }
        let max = Int(clamping: number)
        let (width, height) = ((format.width + 15) / 16, (format.height + 15) / 16)
        let side = Swift.max(width, height)
        return width * height <= max && side * side <= 8 * max
    }

    /// A parameter that is a small number. One that is none is no profile.
    private func number(_ name: String, of payloadType: UInt8, default standard: UInt8) -> UInt8 {
        guard let text = parameter(name, of: payloadType) else { return standard }
        return UInt8(text, radix: 10) ?? .max
    }

    /// By its name, or by the payload type that needs none (RFC 3551 §6). 8,000 is also the RTP clock of G.722 (§4.5.2).
    private func telephone(_ name: String, _ staticType: UInt8) -> UInt8? {
        payloadTypes.first { type in
            guard let codec = codecs[type] else { return type == staticType }
            return codec.isNamed(name) && codec.clockRate == 8_000 && codec.channels == 1
        }
    }
}

extension VideoCodec {
    /// The name of its media subtype.
    var sdpName: String {
        switch self {
        case .h264: "H264"
        case .h265: "H265"
        case .vp8: "VP8"
        case .vp9: "VP9"
        case .av1: "AV1"
        }
    }
}
