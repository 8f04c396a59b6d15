#if Server
internal import AsyncHTTPClient
internal import Crypto
internal import Egress
internal import FoundationEssentials
internal import HTTPTypes
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import ServiceLifecycle
internal import Synchronization

/// The service that is asked, as "auth.hook" configures it.
struct HookSettings: Sendable, Hashable {
    /// An http or https URL.
    var url: String
    /// The time for the whole question, including the wait for a connection.
    var timeout = Duration.seconds(3)
    /// How long a permission is valid for the same question; zero: the service is asked each time.
    var cacheTime = Duration.zero

    static let timeoutSeconds = 0.1...30.0
    static let cacheSeconds = 0.0...3600.0
}

/// Asks an HTTP service whether a request may be served: POST of a JSON object, 2xx allows, 401 and 403 refuse. Any other answer is no decision,
/// and the client gets 503: when the service is down, nobody gets in. The body of a 2xx may be a JSON object with `max_bit_rate`, the bit/s that
/// the viewer gets at most.
final class AuthorizationHook: Service {
    /// How many questions are asked at a time. Further questions wait for a connection, as long as their time lasts.
    static let connectionsMax = 64
    /// How many questions may wait or be asked; beyond that a client gets 503 at once.
    static let questionsMax = 1024
    /// How many permissions are remembered; beyond that none is added until others have expired.
    static let cacheMax = 10_000
    private static let answerSizeMax = 64 * 1024

    /// What the service is told. Later versions may add fields.
    private struct Question: Encodable {
        var stream: String
        var session: String?
        var method: String
        var token: String?
        var remoteAddress: String?
        var userAgent: String?

        private enum CodingKeys: String, CodingKey {
            case stream, session, method, token
            case remoteAddress = "remote_address"
            case userAgent = "user_agent"
        }
    }

    private struct Permission {
        var decision: WHEPDecision
        var end: ContinuousClock.Instant
    }

    private struct State {
        var questions = 0
        var permissions: [SHA256.Digest: Permission] = [:]
        var lines = LineBudget()
    }

    private let settings: HookSettings
    private let questionsMax: Int
    private let logger: Logger
    private let client: HTTPClient
    private let state = Mutex(State())

    /// Run the hook, or call ``shutdown()``, before you release it.
    init(_ settings: HookSettings, questionsMax: Int = AuthorizationHook.questionsMax, logger: Logger) {
        self.settings = settings
        self.questionsMax = questionsMax
        self.logger = logger
        // A redirect is no decision: the configured service itself has to say who may watch.
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connectionsMax
        configuration.timeout.connect = TimeAmount(settings.timeout)
        client = HTTPClient(configuration: configuration)
    }

    func run() async throws {
        try? await gracefulShutdown()
        await shutdown()
    }

    func shutdown() async { try? await client.shutdown() }

    func decision(for access: WHEPAccess) async -> WHEPDecision {
        let question = Question(
            stream: access.stream, session: access.session, method: access.method.rawValue, token: access.token,
            remoteAddress: access.remoteAddress, userAgent: access.userAgent)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings can always be encoded.
        guard let body = try? Array(encoder.encode(question)) else { return .unavailable("the question cannot be written as JSON") }
        let key = SHA256.hash(data: body)
        if let decision = remembered(key) { return decision }
        guard enter() else { return failure("\(questionsMax) questions are open") }
        defer { state.withLock { $0.questions -= 1 } }
        do {
            let (status, answer) = try await ask(body)
            switch status {
            case 200..<300:
                guard let decision = Self.permission(answer) else {
                    return failure("its answer is a JSON object whose \(WHEPDecision.boundName) is not a number of bit/s, at least 1")
                }
                remember(decision, key)
                return decision
            case 401: return .unauthenticated(access.token == nil ? "a token is needed" : "the token is not good")
            case 403: return .forbidden("this stream may not be watched with that token or from that address")
            default: return failure("status \(status)")
            }
        } catch {
            return failure("\(error)")
        }
    }

    /// nil: the answer has a bound that can't be read.
    private static func permission(_ answer: [UInt8]) -> WHEPDecision? {
        // Services that know no bounds answer with anything.
        guard answer.first(where: { !" \t\r\n".utf8.contains($0) }) == UInt8(ascii: "{") else { return .allowed }
        guard case .object(let fields) = try? JSONDecoder().decode(JSONValue.self, from: Data(answer)) else { return nil }
        switch fields[WHEPDecision.boundName] {
        case nil: return .allowed
        case .number(let bitRate): return .allowed(within: bitRate)
        default: return nil
        }
    }

    private func ask(_ body: [UInt8]) async throws -> (status: UInt, answer: [UInt8]) {
        var request = HTTPClientRequest(url: settings.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "egress")
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await client.execute(request, timeout: TimeAmount(settings.timeout))
        // To its end, also so that the connection can be used again.
        do {
            let answer = try await response.body.collect(upTo: Self.answerSizeMax)
            return (response.status.code, Array(answer.readableBytesView))
        } catch  where !(200..<300).contains(response.status.code) {
            // What else a refusal says is not needed.
            return (response.status.code, [])
        }
    }

    private func failure(_ reason: String) -> WHEPDecision {
        let (isGranted, suppressed) = state.withLock { $0.lines.spend(now: .now) }
        if isGranted {
            var metadata: Logger.Metadata = ["url": "\(Secrets.mask(settings.url))"]
            if suppressed > 0 { metadata["suppressed"] = "\(suppressed)" }
            logger.warning("The authorization hook gave no decision: \(reason)", metadata: metadata)
        }
        return .unavailable("the server can't decide at the moment who may watch: try again")
    }

    // MARK: State

    private func enter() -> Bool {
        state.withLock { state in
            guard state.questions < questionsMax else { return false }
            state.questions += 1
            return true
        }
    }

    private func remembered(_ key: SHA256.Digest) -> WHEPDecision? {
        guard settings.cacheTime > .zero else { return nil }
        return state.withLock { $0.permissions[key].flatMap { $0.end > .now ? $0.decision : nil } }
    }

    private func remember(_ decision: WHEPDecision, _ key: SHA256.Digest) {
        guard settings.cacheTime > .zero else { return }
        let now = ContinuousClock.now
        state.withLock { state in
            if state.permissions.count >= Self.cacheMax { state.permissions = state.permissions.filter { $0.value.end > now } }
            guard state.permissions.count < Self.cacheMax else { return }
            state.permissions[key] = Permission(decision: decision, end: now + settings.cacheTime)
        }
    }
}
#endif
