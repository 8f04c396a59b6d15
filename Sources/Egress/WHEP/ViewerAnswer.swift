import Logging

/// What a viewer gets for its offer.
public struct ViewerAnswer: Sendable, Hashable {
    /// The session's id: 128 random bits in hexadecimal, so that nobody can guess the id of another session.
    public let session: String
    public let sdp: String
    /// Changes whenever the session's ICE credentials do. Put it in quotes into an `ETag`.
    public let entityTag: String
    /// The encodings that the viewer is switched among as its link takes them, in the operator's order; empty: it stays at one.
    public var rids: [String] = []
}

/// The client that a viewer is made for.
public struct ViewerClient: Sendable, Hashable {
    /// For the limits per address; `nil`: per-address limits do not apply.
    public var address: String?
    /// In bit/s: a viewer that can be switched among several encodings gets none above, unless it is the lowest; `nil`: no bound.
    public var bitRateMax: Int?

    public init(address: String? = nil, bitRateMax: Int? = nil) {
        self.address = address
        self.bitRateMax = bitRateMax
    }
}

extension EgressEngine {
    /// Makes a viewer of a stream. Its media flows once the client has finished the ICE checks and the DTLS handshake that follow the answer.
    /// - Parameters:
    ///   - client: the client's address, for the limits per address; `nil`: per-address limits do not apply.
    ///   - limit: how long to wait for a process that has started but has not sent a picture yet.
    /// - Throws: ``EgressError/Code/notFound``: the stream does not exist. ``EgressError/Code/invalidOffer``,
    ///   ``EgressError/Code/unsupportedOffer``, ``EgressError/Code/noCommonCodec``: the offer has to change. ``EgressError/Code/notActive``,
    ///   ``EgressError/Code/limitReached``: try again later.
    public func addViewer(
        to id: String, offer text: [UInt8], from client: String? = nil, waitingUpTo limit: Duration = .seconds(2)
    ) async throws(EgressError) -> ViewerAnswer {
        try await addViewer(to: id, offer: text, for: ViewerClient(address: client), waitingUpTo: limit)
    }

    /// As ``addViewer(to:offer:from:waitingUpTo:)``, for a client that more is known of.
    public func addViewer(
        to id: String, offer text: [UInt8], for client: ViewerClient, waitingUpTo limit: Duration = .seconds(2)
    ) async throws(EgressError) -> ViewerAnswer {
        switch try await reply(to: text, of: id, for: client, waitingUpTo: limit) {
        case .answer(let answer): return answer
        case .refusal(let error, _): throw error
        }
    }

    /// The result of an offer.
    enum Reply: Sendable {
        case answer(ViewerAnswer)
        /// Refused, with a counter-offer when the client might accept one.
        case refusal(EgressError, CounterOffer?)
    }

    func reply(
        to text: [UInt8], of id: String, for client: ViewerClient, waitingUpTo limit: Duration = .seconds(2)
    ) async throws(EgressError) -> Reply {
        guard let stream = registry.stream(named: id) else { throw engine == nil ? .shutDown : .streamNotFound(id) }
        let offer = try SDPParser.parse(text, limits: configuration.limits.offer)
        var media = CodecNegotiation.Media(audio: stream.config.hasAudio ? stream.config.audioCodec : nil)
        if offer.receivesVideo { media.encodings = try await encodings(of: stream, for: offer, limit) }
        do throws(EgressError) {
            let negotiation = try CodecNegotiation(offer: offer, media: media, bitRateMax: client.bitRateMax)
            note(negotiation, offer, media, stream.id)
            return .answer(try makeViewer(of: stream, offer, negotiation, for: client))
        } catch  where error.code == .noCommonCodec || error.code == .unsupportedOffer {
            if media.encodings.isEmpty { media.encodings = try await encodings(of: stream, for: offer, limit) }
            guard CounterOffer.mayHelp(offer, media) else { return .refusal(error, nil) }
            return .refusal(error, CounterOffer(stream, media, bitRateMax: client.bitRateMax))
        } catch {
            throw error
        }
    }

    /// What is known of the stream's encodings; empty for a stream without video. The one that the player is to get is waited for: the first whose
    /// codec the offer has. It goes without where that one does not come and another is there.
    private func encodings(
        of stream: ProcessStream, for offer: SDPOffer, _ limit: Duration
    ) async throws(EgressError) -> [CodecNegotiation.Media.Encoding] {
        let legs = stream.config.videoEncodings
        guard !legs.isEmpty else { return [] }
        let wanted = KnownEncodings.wanted(by: offer, of: legs) ?? 0
        func read() -> KnownEncodings { KnownEncodings(legs: legs, readings: legs.indices.map { reading(of: stream, encoding: $0) }) }
        var known = read()
        if known.readings[wanted]?.format == nil {
            await stream.formatsKnown[wanted].wait(upTo: limit)
            known = read()
        }
        if let missing = known.missing(for: offer) { throw noFormat(stream, missing) }
        if await waitForLadder(of: stream, known.missingRungs(beside: wanted)) { known = read() }
        return known.media
    }

    /// An encoding that is not there when a viewer joins is not in its ladder. Encodings that are made together begin together, so the other key
    /// pictures come within moments of the first.
    /// - Returns: Whether it has waited.
    private func waitForLadder(of stream: ProcessStream, _ missing: [Int]) async -> Bool {
        guard !missing.isEmpty, !stream.ladderAwaited.isRaised else { return false }
        let end = ContinuousClock.now + .milliseconds(300)
        for encoding in missing { await stream.formatsKnown[encoding].wait(upTo: end - .now) }
        if ContinuousClock.now >= end { stream.ladderAwaited.raise() }
        return true
    }

    private func noFormat(_ stream: ProcessStream, _ encoding: Int) -> EgressError {
        guard registry.stream(named: stream.id) != nil else { return .streamNotFound(stream.id) }
        let legs = stream.config.videoEncodings
        let what =
            legs.count == 1 ? "a video picture to UDP port \(stream.ports.video)" : "a picture of its encoding \"\(legs[encoding].rid)\""
        return EgressError(code: .notActive, message: "process \"\(stream.id)\" has not sent \(what) yet: try again")
    }

    /// - Parameter counterOffer: the counter-offer that `offer` answers, if it does.
    func makeViewer(
        of stream: ProcessStream, _ offer: SDPOffer, _ negotiation: CodecNegotiation, for client: ViewerClient,
        counterOffer: CounterOffer? = nil
    ) throws(EgressError) -> ViewerAnswer {
        guard let engine else { throw .shutDown }
        var request = try viewerRequest(offer, negotiation)
        request.local = counterOffer?.local
        request.bitRateMax = client.bitRateMax
        let network = client.address.flatMap(ClientNetwork.init)
        let limits = configuration.limits
        try registry.reserveViewer(
            of: stream, max: configuration.viewersPerStreamMax, from: network,
            connecting: .init(all: limits.connectingMax, perNetwork: limits.connectingPerAddressMax))
        let identity: ViewerIdentity
        do {
            identity = try engine.handle.createViewer(of: stream.engineID, request)
        } catch {
            registry.abandonViewer(of: stream, from: network)
            guard error.code == .limitReached else { throw error }
            throw EgressError(code: error.code, message: error.message, limit: .viewers)
        }
        var random = SystemRandomNumberGenerator()
        let session = counterOffer?.session ?? random.next().hex + random.next().hex
        var entry = ViewerSession(id: session, stream: stream.id, engineStream: stream.engineID, viewer: identity.viewer)
        entry.client = client.address
        entry.created = .now
        entry.missed = offer.receives.subtracting(stream.config.legs)
        entry.network = network
        entry.encoding = negotiation.video.map { stream.config.videoEncodings[$0.encoding] }
        entry.ladder = negotiation.video.flatMap { Self.ladder($0, offer, stream, client.bitRateMax) }
        entry.ice.remote = ICECredentials(ufrag: request.iceUfrag, pwd: request.icePwd)
        entry.ice.entityTag = identity.iceUfrag
        entry.ice.section = Self.taggedSection(of: offer, negotiation)
        guard registry.commitViewer(entry) else {
            engine.handle.closeViewer(identity.viewer)
            throw .streamNotFound(stream.id)
        }
        let answer = SDPAnswer(
            offer: offer, negotiation: negotiation, identity: identity, fingerprint: info.fingerprint,
            candidates: candidates, sessionID: random.next() >> 2)
        return ViewerAnswer(
            session: session, sdp: answer.write(), entityTag: identity.iceUfrag, rids: entry.ladder?.rungs.map(\.encoding.rid) ?? [])
    }

    private static func ladder(
        _ video: CodecNegotiation.Video, _ offer: SDPOffer, _ stream: ProcessStream, _ bitRateMax: Int?
    ) -> ViewerLadder? {
        guard !video.ladder.isEmpty else { return nil }
        let encodings = stream.config.videoEncodings
        return ViewerLadder(
            rungs: video.ladder.map { .init(index: $0, encoding: encodings[$0]) }, bitRateMax: bitRateMax, section: video.section,
            mid: offer.sections[video.section].mid)
    }

    /// All candidates that viewers can try.
    var candidates: [ICECandidate] { ICECandidate.list(configuration.advertisedAddresses, port: info.udpPort) }

    /// Logs why a player shows only half of a stream.
    private func note(_ negotiation: CodecNegotiation, _ offer: SDPOffer, _ media: CodecNegotiation.Media, _ id: String) {
        guard logger.logLevel <= .debug else { return }
        if offer.sections.contains(where: \.isSimulcast) {
            logger.debug("The offer has a=simulcast, which the answer leaves out: viewers get one picture", metadata: ["id": "\(id)"])
        }
        for line in negotiation.sectionsWithoutMedia(of: offer, media) { logger.debug("\(line)", metadata: ["id": "\(id)"]) }
    }

    /// The section that fragments are about: it has the bundle's transport.
    private static func taggedSection(of offer: SDPOffer, _ negotiation: CodecNegotiation) -> SDPFragment.Section {
        let index = negotiation.bundle.tagged
        let section = offer.sections[index]
        let format = negotiation.formats(of: index, in: offer).first ?? "0"
        return SDPFragment.Section(
            media: "m=\(section.kind) 9 \(section.transportProtocol) \(format)", mid: section.mid,
            bundle: negotiation.bundle.sections.compactMap { offer.sections[$0].mid })
    }

    private func viewerRequest(_ offer: SDPOffer, _ negotiation: CodecNegotiation) throws(EgressError) -> ViewerRequest {
        let transport = offer.sections[negotiation.bundle.tagged].transport
        // The parser has checked that a section that can be accepted has all three.
        guard let ufrag = transport.iceUfrag, let pwd = transport.icePwd, let fingerprint = transport.fingerprint else {
            throw .invalidOffer("the offer has no ICE credentials or no fingerprint")
        }
        return ViewerRequest(
            iceUfrag: ufrag, icePwd: pwd, fingerprint: fingerprint, videoEncoding: negotiation.video?.encoding ?? 0,
            videoPayloadType: negotiation.video?.payloadType,
            videoRTXPayloadType: negotiation.video?.rtxPayloadType, audioPayloadType: negotiation.audio?.payloadType,
            ladder: negotiation.video?.ladder ?? [], transportCCID: negotiation.video?.transportCC.map { UInt8(clamping: $0.id) })
    }
}
