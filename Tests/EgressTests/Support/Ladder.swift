import Testing

@testable import Egress

/// A stream "show" of three sizes in H.264, that all have sent a picture.
enum Ladder {
    static let encodings = [
        Encoding(rid: "720p", width: 1_280, height: 720, bitRate: 2_000_000),
        Encoding(rid: "360p", width: 640, height: 360, bitRate: 600_000),
        Encoding(rid: "180p", width: 320, height: 192, bitRate: 200_000),
    ]

    static func playing(_ encodings: [Encoding] = encodings) async throws -> EgressEngine {
        let engine = try Engines.make()
        try await play(engine, encodings)
        return engine
    }

    static func play(_ engine: EgressEngine, _ encodings: [Encoding] = encodings) async throws {
        _ = try engine.onProcessStart(id: "show", config: ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, encodings: encodings)))
        let status = try #require(engine.stream(named: "show"))
        let senders = status.encodings.map { RTPSender(port: $0.port) }
        for (sender, encoding) in zip(senders, encodings) {
            for _ in 0..<3 { sender.sendIDR(SPS.write(width: encoding.width, height: encoding.height)) }
        }
        try #require(await eventually { engine.stream(named: "show")?.encodings.allSatisfy { $0.format != nil } == true })
    }
}
