/// A short offer with one thing different at a time.
struct Offer {
    var session = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
    var transport = [
        "a=ice-ufrag:abcd", "a=ice-pwd:0123456789abcdefghijkl", "a=fingerprint:sha-256 \(Offer.fingerprint(32))", "a=setup:actpass",
    ]
    var video: [String]? = [
        "m=video 9 UDP/TLS/RTP/SAVPF 102 103", "c=IN IP4 0.0.0.0", "a=mid:0", "a=recvonly", "a=rtcp-mux", "a=rtcp-rsize",
        "a=rtpmap:102 H264/90000", "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=rtcp-fb:102 nack", "a=rtcp-fb:102 nack pli", "a=rtcp-fb:102 ccm fir", "a=rtcp-fb:102 goog-remb", "a=rtcp-fb:102 transport-cc",
        "a=rtpmap:103 rtx/90000", "a=fmtp:103 apt=102",
    ]
    var audio: [String]? = [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:1", "a=recvonly", "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1",
    ]

    var text: String {
        let media = [video, audio].compactMap(\.self).flatMap { $0 + transport }
        return (session + media).map { $0 + "\r\n" }.joined()
    }

    /// `AA:AA:…`
    static func fingerprint(_ count: Int) -> String {
        Array(repeating: "AA", count: count).joined(separator: ":")
    }

    /// With H.264 formats of these `profile-level-id`s, payload types 100 and up.
    mutating func offerH264(_ profileLevelIDs: [String], mode: Int = 1) {
        let types = profileLevelIDs.indices.map { 100 + $0 }
        video = ["m=video 9 UDP/TLS/RTP/SAVPF \(types.map(String.init).joined(separator: " "))", "a=mid:0", "a=recvonly", "a=rtcp-mux"]
        for (type, id) in zip(types, profileLevelIDs) {
            video? += ["a=rtpmap:\(type) H264/90000", "a=fmtp:\(type) packetization-mode=\(mode);profile-level-id=\(id)"]
        }
    }
}

extension Offer {
    /// One format of video: its `a=fmtp` may be empty. Its retransmission has the next payload type.
    mutating func offerVideo(_ codec: String, _ parameters: String = "", payloadType: Int = 96) {
        offerVideo([(codec, parameters)], payloadType: payloadType)
    }

    /// In this order; payload types are even, those of the retransmissions odd.
    mutating func offerVideo(_ formats: [(codec: String, parameters: String)], payloadType first: Int = 96) {
        let types = formats.indices.map { first + 2 * $0 }
        let numbers = types.flatMap { ["\($0)", "\($0 + 1)"] }.joined(separator: " ")
        video = ["m=video 9 UDP/TLS/RTP/SAVPF \(numbers)", "c=IN IP4 0.0.0.0", "a=mid:0", "a=recvonly", "a=rtcp-mux"]
        for (type, format) in zip(types, formats) {
            video? += ["a=rtpmap:\(type) \(format.codec)/90000", "a=rtpmap:\(type + 1) rtx/90000", "a=fmtp:\(type + 1) apt=\(type)"]
            video? += ["nack", "nack pli", "ccm fir", "goog-remb"].map { "a=rtcp-fb:\(type) \($0)" }
            if !format.parameters.isEmpty { video?.append("a=fmtp:\(type) \(format.parameters)") }
        }
    }

    /// Payload types as on the m= line, and `a=rtpmap`s without their prefix.
    mutating func offerAudio(_ types: String, _ names: [String] = []) {
        audio = ["m=audio 9 UDP/TLS/RTP/SAVPF \(types)", "c=IN IP4 0.0.0.0", "a=mid:1", "a=recvonly", "a=rtcp-mux"]
        audio? += names.map { "a=rtpmap:\($0)" }
    }
}

extension [String]? {
    mutating func replace(_ line: String, with other: String...) {
        self = self?.flatMap { $0 == line ? other : [$0] }
    }
}
