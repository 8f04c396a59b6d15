#if Server
import Egress
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Synchronization
import Testing

@testable import EgressServer

@Suite struct AuthorizationHookTests {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    static let access = WHEPAccess(
        stream: "cam", session: "0123", method: .patch, token: "hush-hush", remoteAddress: "192.0.2.9", userAgent: "player/1")

    /// Asks a service that answers like that; returns what was decided, and what the service was asked.
    static func ask(
        _ settings: HookSettings? = nil, _ questions: [WHEPAccess] = [access],
        answering answer: @escaping @Sendable () async throws -> Response
    ) async throws -> (decisions: [WHEPDecision], received: [ReceivedRequest]) {
        let decisions = Mutex<[WHEPDecision]>([])
        let received = Mutex<[ReceivedRequest]>([])
        try await withLocalService { request in
            received.withLock { $0.append(request) }
            return try await answer()
        } _: { url in
            var settings = settings ?? HookSettings(url: "", timeout: .seconds(30))
            settings.url = url
            let hook = AuthorizationHook(settings, logger: silent)
            for question in questions {
                let decision = await hook.decision(for: question)
                decisions.withLock { $0.append(decision) }
            }
            await hook.shutdown()
        }
        return (decisions.withLock { $0 }, received.withLock { $0 })
    }

    @Test func theServiceIsToldWhoWantsWhat() async throws {
        let (decisions, received) = try await Self.ask { Response(status: .noContent) }
        #expect(decisions == [.allowed])
        let request = try #require(received.first)
        #expect(request.method == .post)
        #expect(request.path == "/decide")
        #expect(request.contentType == "application/json")
        #expect(
            try JSONDecoder().decode([String: String].self, from: Data(request.body)) == [
                "stream": "cam", "session": "0123", "method": "PATCH", "token": "hush-hush", "remote_address": "192.0.2.9",
                "user_agent": "player/1",
            ])
    }

    @Test(arguments: [
        (200, "allowed"), (201, "allowed"), (204, "allowed"), (299, "allowed"), (401, "unauthenticated"), (403, "forbidden"),
        (302, "unavailable"),
        (307, "unavailable"), (400, "unavailable"), (404, "unavailable"), (500, "unavailable"), (503, "unavailable"),
    ])
    func theStatusDecides(status: Int, expected: String) async throws {
        let (decisions, received) = try await Self.ask {
            // Whoever followed it would be let in by somebody who was not asked.
            Response(status: .init(code: status), headers: [.location: "/elsewhere"])
        }
        #expect(decisions.map { "\($0)".prefix { $0 != "(" } } == [expected[...]])
        #expect(received.count == 1)
    }

    @Test(
        arguments: [
            (#"{"max_bit_rate": 1500000}"#, .allowedUpTo(bitRate: 1_500_000)),
            (" \n{\"max_bit_rate\": 2e6, \"more\": []}", .allowedUpTo(bitRate: 2_000_000)),
            // What services answer that know nothing of it.
            ("", .allowed), ("OK", .allowed), ("<html>{</html>", .allowed), ("{}", .allowed), (#"{"ok": true}"#, .allowed),
            ("[1]", .allowed),
            (#"{"max_bit_rate": "1500000"}"#, undecided), (#"{"max_bit_rate": true}"#, undecided), (#"{"max_bit_rate": null}"#, undecided),
            (#"{"max_bit_rate": 0}"#, undecided), (#"{"max_bit_rate": -5}"#, undecided), (#"{"max_bit_rate": 1e999}"#, undecided),
            (#"{"max_bit_rate": 15"#, undecided),
            (#"{"max_bit_rate": 5, "more": ""# + String(repeating: "x", count: 70_000) + #""}"#, undecided),
        ] as [(String, WHEPDecision)])
    func theBodyOfAPermissionMayBoundTheViewer(body: String, expected: WHEPDecision) async throws {
        let (decisions, _) = try await Self.ask { Response(status: .ok, body: .init(byteBuffer: .init(string: body))) }
        #expect(decisions == [expected])
    }

    static let undecided = WHEPDecision.unavailable("the server can't decide at the moment who may watch: try again")

    @Test func aServiceThatDoesNotAnswerLetsNobodyIn() async throws {
        let (decisions, _) = try await Self.ask(HookSettings(url: "", timeout: .milliseconds(200))) {
            // Until the connection is given up: that cancels it.
            try await Task.sleep(for: .seconds(600))
            return Response(status: .ok)
        }
        #expect(decisions == [.unavailable("the server can't decide at the moment who may watch: try again")])
    }

    @Test func moreQuestionsThanItMayAskAreRefusedAtOnceAndLeaveTheOthersAlone() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        let (releases, release) = AsyncStream.makeStream(of: Void.self)
        try await withLocalService { _ in
            arrived.yield()
            for await _ in releases { break }
            return Response(status: .ok)
        } _: { url in
            let hook = AuthorizationHook(HookSettings(url: url, timeout: .seconds(30)), questionsMax: 1, logger: Self.silent)
            async let first = hook.decision(for: Self.access)
            for await _ in arrivals { break }
            #expect(await hook.decision(for: Self.access) == .unavailable("the server can't decide at the moment who may watch: try again"))
            release.yield()
            #expect(await first == .allowed)
            release.yield()
            #expect(await hook.decision(for: Self.access) == .allowed, "a place is not given back")
            await hook.shutdown()
        }
    }

    @Test func aServiceThatIsNotThereLetsNobodyIn() async {
        // Port 9 of loopback, discard: nobody listens there, or nobody who speaks HTTP.
        let hook = AuthorizationHook(HookSettings(url: "http://127.0.0.1:9/", timeout: .milliseconds(200)), logger: Self.silent)
        #expect(await hook.decision(for: Self.access) == .unavailable("the server can't decide at the moment who may watch: try again"))
        await hook.shutdown()
    }

    @Test func permissionsAreRememberedOnlyWhereThatIsConfiguredAndForTheSameQuestionOnly() async throws {
        var other = Self.access
        other.token = "another"
        let questions = [Self.access, Self.access, other, Self.access]
        let answer: @Sendable () -> Response = { Response(status: .ok) }
        #expect(try await Self.ask(nil, questions, answering: answer).received.count == 4)
        let remembering = HookSettings(url: "", timeout: .seconds(30), cacheTime: .seconds(3600))
        let (decisions, received) = try await Self.ask(remembering, questions, answering: answer)
        #expect(decisions == [.allowed, .allowed, .allowed, .allowed])
        #expect(received.count == 2)
    }

    @Test func aBoundIsRememberedWithThePermission() async throws {
        let remembering = HookSettings(url: "", timeout: .seconds(30), cacheTime: .seconds(3600))
        let (decisions, received) = try await Self.ask(remembering, [Self.access, Self.access]) {
            Response(status: .ok, body: .init(byteBuffer: .init(string: #"{"max_bit_rate": 700000}"#)))
        }
        #expect(decisions == [.allowedUpTo(bitRate: 700_000), .allowedUpTo(bitRate: 700_000)] && received.count == 1)
    }

    @Test func refusalsAreNeverRemembered() async throws {
        let remembering = HookSettings(url: "", timeout: .seconds(30), cacheTime: .seconds(3600))
        let (_, received) = try await Self.ask(remembering, [Self.access, Self.access]) { Response(status: .forbidden) }
        #expect(received.count == 2)
    }

    @Test func whatGoesWrongIsLoggedWithoutSecrets() async {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "test") { _ in Recorder { line in lines.withLock { $0.append(line) } } }
        let hook = AuthorizationHook(HookSettings(url: "http://user:password@127.0.0.1:9/", timeout: .milliseconds(200)), logger: logger)
        _ = await hook.decision(for: Self.access)
        await hook.shutdown()
        let said = lines.withLock { $0 }
        #expect(said.count == 1)
        #expect(!said.contains { $0.contains("hush-hush") || $0.contains("password") })
    }

    private struct Recorder: LogHandler {
        let record: @Sendable (String) -> Void
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { record("\(event.message) \(event.metadata ?? [:])") }
    }
}
#endif
