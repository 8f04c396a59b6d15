/// What went wrong, as a code to act on and a sentence to show.
public struct EgressError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure. More kinds may come, so a `switch` over it needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case streamExists, portsExhausted, addressInUse, invalidConfiguration, notFound, limitReached
            case noCommonCodec, unsupportedOffer, invalidOffer, notActive, unavailableEncoding, shutDown, engine
        }

        private let value: Value

        private init(_ value: Value) { self.value = value }

        /// The process already has a stream.
        public static let streamExists = Code(.streamExists)
        /// No two adjacent loopback ports were free.
        public static let portsExhausted = Code(.portsExhausted)
        /// The viewers' UDP port is taken: choose another.
        public static let addressInUse = Code(.addressInUse)
        /// A value is outside of what is allowed; the message names its JSON field.
        public static let invalidConfiguration = Code(.invalidConfiguration)
        /// The stream or viewer does not exist, or not any more.
        public static let notFound = Code(.notFound)
        /// There are as many streams or viewers as the configuration allows.
        public static let limitReached = Code(.limitReached)
        /// The offer has no codec of the stream's; the message names the codecs of both sides.
        public static let noCommonCodec = Code(.noCommonCodec)
        /// The offer is valid but asks for a transport that isn't served.
        public static let unsupportedOffer = Code(.unsupportedOffer)
        /// The offer can't be read, or lacks what every offer needs.
        public static let invalidOffer = Code(.invalidOffer)
        /// It can't be done at this moment, for example because the source hasn't sent a picture yet. Try again.
        public static let notActive = Code(.notActive)
        /// The viewer can't get that encoding: it is not one of its ladder, or above its bound; the message says which.
        public static let unavailableEncoding = Code(.unavailableEncoding)
        /// The engine is shut down, or its configuration disables it: no stream and no viewer can be made with it.
        public static let shutDown = Code(.shutDown)
        /// The engine or the system refused; the message says what.
        public static let engine = Code(.engine)

        public var description: String { value.rawValue }
    }

    public let code: Code
    public let message: String
    /// The limit that was reached, when it is one of those that are counted.
    let limit: BittenLimit?

    public init(code: Code, message: String) {
        self.init(code: code, message: message, limit: nil)
    }

    init(code: Code, message: String, limit: BittenLimit?) {
        self.code = code
        self.message = message
        self.limit = limit
    }

    /// There are as many as allowed.
    init(_ limit: BittenLimit, _ message: String) {
        self.init(code: .limitReached, message: "webrtc: \(message)", limit: limit)
    }

    public var description: String { message }
}

extension EgressError {
    /// An error about one configuration field, which the message begins with.
    static func invalid(_ field: String, _ reason: String) -> EgressError {
        EgressError(code: .invalidConfiguration, message: "webrtc: \(field): \(reason)")
    }

    static func invalidOffer(_ reason: String, limit: BittenLimit? = nil) -> EgressError {
        EgressError(code: .invalidOffer, message: reason, limit: limit)
    }

    static let shutDown = EgressError(code: .shutDown, message: "webrtc: the engine is shut down")
    static let disabled = EgressError(code: .shutDown, message: "webrtc: egress is disabled in the configuration of this server")
}
