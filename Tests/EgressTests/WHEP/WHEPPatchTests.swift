import HTTPTypes
import Testing

@testable import Egress

extension WithEngine {
    @Suite(.serialized) struct WHEPPatchTests {
        static let type = "application/trickle-ice-sdpfrag"
        /// Those of the offer that ``Session`` makes.
        static let current = ["a=ice-ufrag:DcqG", "a=ice-pwd:7yRnwTwVN00fANvOKt/PMYan"]
        static let fresh = ["a=ice-ufrag:ysXw", "a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k"]

        /// A viewer, as its client sees it.
        struct Session {
            let engine: EgressEngine
            let handler: WHEPHandler
            let location: String
            let tag: String
            let answer: String

            init() async throws { try await self.init(Engines.playing()) }

            init(_ engine: EgressEngine) async throws {
                self.engine = engine
                handler = WHEPHandlerTests.handler(engine)
                let created = await handler.handle(WHEPHandlerTests.request(.post, "/whep/show", BrowserOffer.chromium))
                location = try #require(created.head.headerFields[.location])
                tag = try #require(created.head.headerFields[.eTag])
                answer = WHEPHandlerTests.text(created)
            }

            func patch(_ lines: [String], ifMatch: String?, type: String? = WHEPPatchTests.type) async -> WHEPResponse {
                var fields: HTTPFields = [:]
                fields[.ifMatch] = ifMatch
                return await handler.handle(WHEPHandlerTests.request(.patch, location, SDPFragmentTests.text(lines), type: type, fields))
            }

            var isThere: Bool { get async { await handler.handle(WHEPHandlerTests.request(.get, location)).head.status == .noContent } }
        }

        static func value(_ name: String, in text: String) -> String? {
            text.split(separator: "\r\n").first { $0.hasPrefix("a=\(name):") }.map { String($0.dropFirst(name.utf8.count + 3)) }
        }

        @Test func candidatesAreTakenWithoutABodyOrATag() async throws {
            let session = try await Session()
            let lines = SDPFragmentTests.section + Self.current + [SDPFragmentTests.udp, SDPFragmentTests.tcp, SDPFragmentTests.local]
            for condition in [session.tag, "*", "\"*\"", "\"other\", \(session.tag)"] {
                let response = await session.patch(lines, ifMatch: condition)
                #expect(response.head.status == .noContent)
                #expect(response.head.headerFields[.eTag] == nil && response.body.isEmpty)
                #expect(response.head.headerFields[.accessControlAllowOrigin] == "*")
            }
            #expect(await session.patch([SDPFragmentTests.udp], ifMatch: session.tag).head.status == .noContent)
        }

        @Test(arguments: ["*", "\"*\"", nil]) func aRestartGivesNewCredentialsAndANewTag(condition: String?) async throws {
            let session = try await Session()
            let response = await session.patch(Self.fresh + [SDPFragmentTests.udp], ifMatch: condition ?? session.tag)
            #expect(response.head.status == .ok)
            #expect(response.head.headerFields[.contentType] == Self.type)
            let tag = try #require(response.head.headerFields[.eTag])
            #expect(tag != session.tag && tag.hasPrefix("\"") && tag.hasSuffix("\""))
            let text = WHEPHandlerTests.text(response)
            #expect(text.hasPrefix("a=ice-lite\r\na=group:BUNDLE 0 1\r\nm=video 9 UDP/TLS/RTP/SAVPF 108\r\na=mid:0\r\n"))
            #expect(Self.value("ice-ufrag", in: text) != Self.value("ice-ufrag", in: session.answer))
            #expect(Self.value("ice-pwd", in: text) != Self.value("ice-pwd", in: session.answer))
            #expect(Self.value("candidate", in: text) == Self.value("candidate", in: session.answer))
            #expect(text.hasSuffix("a=end-of-candidates\r\n"))

            #expect(await session.patch([SDPFragmentTests.udp], ifMatch: session.tag).head.status == .preconditionFailed)
            #expect(await session.patch(Self.fresh, ifMatch: tag).head.status == .noContent, "the same again is no restart")
            #expect(session.engine.statistics().viewers == 1)
        }

        /// What is asked, and what comes of it.
        static let refused: [(name: String, lines: [String], ifMatch: String?, type: String?, status: Int)] = [
            ("no condition", [SDPFragmentTests.udp], nil, type, 428),
            ("a restart without a condition", fresh, nil, type, 428),
            ("another tag", [SDPFragmentTests.udp], "\"other\"", type, 412),
            ("a restart of another ICE session", fresh, "\"other\"", type, 412),
            ("a weak tag", fresh, "W/\"*\"", type, 412),
            ("another type", fresh, "*", "application/json", 415),
            ("an answer that nobody waits for", fresh, "*", "application/sdp", 415),
            ("no type", fresh, "*", nil, 415),
            ("malformed", ["hello"], "*", type, 400),
            ("malformed and without a condition", ["hello"], nil, type, 400),
            ("empty", [], "*", type, 400),
            ("half of new credentials", [fresh[0], current[1]], "*", type, 400),
            ("the other half of new credentials", [current[0], fresh[1]], "*", type, 400),
            ("too long", Array(repeating: "a=x", count: 4_000), "*", type, 413),
        ]

        @Test func aRefusalLeavesTheSessionAsItWas() async throws {
            let session = try await Session()
            for row in Self.refused {
                let response = await session.patch(row.lines, ifMatch: row.ifMatch, type: row.type)
                #expect(response.head.status.code == row.status, "\(row.name)")
                #expect(response.head.headerFields[.contentType] == "application/problem+json", "\(row.name)")
                #expect(response.head.headerFields[.accessControlExposeHeaders]?.contains("ETag") == true)
                if row.status == 415 { #expect(response.head.headerFields[.acceptPatch] == Self.type) }
                #expect(await session.isThere, "\(row.name)")
            }
            #expect(await session.patch(Self.current, ifMatch: session.tag).head.status == .noContent, "the tag is still the first")
            #expect(await session.handler.handle(WHEPHandlerTests.request(.delete, session.location)).head.status == .ok)
            #expect(await session.patch(Self.fresh, ifMatch: "*").head.status == .notFound)
        }

        @Test func restartsThatRaceLeaveOneIceSession() async throws {
            let session = try await Session()
            let tags = await withTaskGroup(of: String?.self) { group in
                for number in 0..<20 {
                    let lines = ["a=ice-ufrag:new\(number)", "a=ice-pwd:01234567890123456789\(10 + number)"]
                    group.addTask { await session.patch(lines, ifMatch: "*").head.headerFields[.eTag] }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let given = Set(tags.compactMap(\.self))
            #expect(!given.isEmpty && given.count == tags.compactMap(\.self).count)
            var current = 0
            for tag in given where await session.patch([SDPFragmentTests.udp], ifMatch: tag).head.status == .noContent { current += 1 }
            #expect(current == 1)
        }
    }
}
