/// A stream that a process has.
struct ProcessStream: Sendable {
    let id: String
    let engineID: UInt64
    let ports: EngineHandle.StreamPorts
    /// The configuration that the process was started with: the legs that it can have.
    let base: WebRTCConfig
    /// The legs that it has at present.
    var config: WebRTCConfig
    var outputs: [ConfigIO]
    /// One for each encoding: raised when the engine has seen a key picture of the encoding, and when the stream is gone.
    let formatsKnown = (0..<Encoding.countMax).map { _ in OneShot() }
    /// A viewer has waited in vain for all encodings of its codec. The next ones don't: a leg that never begins is to hold up one join only.
    let ladderAwaited = OneShot()
}
