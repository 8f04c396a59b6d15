@testable import Egress

extension ProcessStream {
    init(_ id: String, _ engineID: UInt64) {
        self.init(
            id: id, engineID: engineID, ports: .init(stream: engineID, video: 5_000, audio: 5_001), base: WebRTCConfig(),
            config: WebRTCConfig(), outputs: [])
    }
}

extension ViewerSession {
    init(_ id: String, of stream: ProcessStream, _ viewer: UInt64) {
        self.init(id: id, stream: stream.id, engineStream: stream.engineID, viewer: viewer)
    }
}
