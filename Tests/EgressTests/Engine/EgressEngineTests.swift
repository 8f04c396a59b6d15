import Logging
import Synchronization
import Testing

@testable import Egress

extension WithEngine {
    @Suite(.serialized) struct EgressEngineTests {
        @Test func aDisabledProcessOrEngineHasNoOutputs() throws {
            let engine = try Engines.make()
            #expect(try engine.onProcessStart(id: "a", config: nil).isEmpty)
            #expect(try engine.onProcessStart(id: "a", config: ProcessConfig()).isEmpty)
            #expect(engine.streams().isEmpty)
            let disabled = try Engines.make { $0.isEnabled = false }
            #expect(try disabled.onProcessStart(id: "a", config: Engines.enabled).isEmpty)
            #expect(disabled.info == EngineInfo())
            #expect(disabled.info.workers == 0 && disabled.info.udpPort == 0 && disabled.info.fingerprint.isEmpty)
            disabled.onProcessStop(id: "a")
            disabled.shutdown()
        }

        @Test func legsAreChangedWithinTheConfiguration() throws {
            let engine = try Engines.make()
            let config = ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, audioMap: "none"))
            #expect(failure { try engine.changeLegs(of: "show", plan: .copy) }?.code == .notFound)
            var plan = LegPlan.copy
            plan.missing = [.video]
            #expect(failure { try engine.onProcessStart(id: "show", config: config, plan: plan) }?.code == .invalidConfiguration)
            #expect(engine.stream(named: "show") == nil, "nothing is left behind")
            let outputs = try engine.onProcessStart(id: "show", config: config, plan: .copy)
            #expect(failure { try engine.changeLegs(of: "show", plan: plan) }?.code == .invalidConfiguration)
            #expect(engine.stream(named: "show")?.outputs == outputs, "it is as it was")
            let other = try engine.changeLegs(of: "show", plan: LegPlan(video: .transcode(framesPerSecond: 25)))
            #expect(other.count == 1 && other[0].options.contains("libx264") && other[0].address == outputs[0].address)
            #expect(engine.stream(named: "show")?.hasAudio == false, "the configuration has none")
        }

        @Test func aStartGivesTwoLegsToTheStreamsPorts() throws {
            let recorder = LogRecorder()
            let engine = try Engines.make(logger: recorder.logger)
            let outputs = try engine.onProcessStart(id: "show", config: Engines.enabled)
            let status = try #require(engine.stream(named: "show"))
            #expect(status.audioPort == status.videoPort + 1)
            #expect(outputs.map(\.id) == ["webrtc", "webrtc"])
            #expect(
                outputs.map(\.address)
                    == [status.videoPort, status.audioPort].map { "udp://127.0.0.1:\($0)?pkt_size=1160" })
            #expect(outputs[0].options.prefix(4) == ["-map", "0:v:0", "-c:v", "copy"])
            #expect(outputs.allSatisfy { $0.options.contains("1000000") })
            #expect(status.outputs == outputs)
            #expect(status.state == .waiting && status.hasVideo && status.hasAudio && status.viewers == 0 && status.format == nil)
            let line = try #require(recorder.lines.last)
            #expect(
                line.metadata == [
                    "id": "show", "video_port": "\(status.videoPort)", "audio_port": "\(status.audioPort)", "video_pt": "102",
                    "audio_pt": "111",
                ])
        }

        @Test func aSecondStartIsRefusedAndTheFirstGoesOn() throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(id: "a \"b\"", config: Engines.enabled)
            let error = failure { try engine.onProcessStart(id: "a \"b\"", config: Engines.enabled) }
            #expect(error?.code == .streamExists)
            #expect(error?.message == "webrtc: process \"a \"b\"\" already has an active stream")
            #expect(engine.streams().count == 1)
        }

        @Test func aWrongConfigLeavesNothingBehind() throws {
            let engine = try Engines.make()
            let config = ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, videoPayloadType: 70))
            #expect(failure { try engine.onProcessStart(id: "a", config: config) }?.code == .invalidConfiguration)
            #expect(try !engine.onProcessStart(id: "a", config: Engines.enabled).isEmpty)
        }

        @Test func ofAHundredStartsOneWinsAndItsPortsComeBack() async throws {
            let engine = try Engines.make()
            let before = descriptorCount()
            let wins = await withTaskGroup(of: [ConfigIO].self) { group in
                for _ in 0..<100 {
                    group.addTask { (try? engine.onProcessStart(id: "a", config: Engines.enabled)) ?? [] }
                }
                return await group.reduce(into: [[ConfigIO]]()) { if !$1.isEmpty { $0.append($1) } }
            }
            #expect(wins.count == 1)
            let status = try #require(engine.stream(named: "a"))
            #expect(await eventually { descriptorCount() <= before + 2 }, "the losers opened something")
            #expect(!isFree(status.videoPort) && !isFree(status.audioPort))
            engine.onProcessStop(id: "a")
            #expect(await eventually { descriptorCount() <= before })
            #expect(isFree(status.videoPort) && isFree(status.audioPort))
        }

        @Test func concurrentStartsAndStopsLeaveNothing() async throws {
            let engine = try Engines.make()
            let before = descriptorCount()
            await withTaskGroup { group in
                for task in 0..<8 {
                    group.addTask {
                        for _ in 0..<25 {
                            _ = try? engine.onProcessStart(id: "p\(task % 3)", config: Engines.enabled)
                            _ = engine.streams()
                            engine.onProcessStop(id: "p\(task % 3)")
                        }
                    }
                }
            }
            for id in engine.streams().map(\.id) { engine.onProcessStop(id: id) }
            #expect(engine.statistics().streams == 0)
            #expect(await eventually { descriptorCount() <= before })
        }

        @Test func noFreePortsIsToldAfterTenAttempts() throws {
            let holder = try Engines.make()
            _ = try holder.onProcessStart(id: "a", config: Engines.enabled)
            let port = try #require(holder.stream(named: "a")).videoPort
            let engine = try Engines.make { $0.sourcePorts = port...(port + 1) }
            let before = descriptorCount()
            let error = failure { try engine.onProcessStart(id: "b", config: Engines.enabled) }
            #expect(error?.code == .portsExhausted)
            let cause = "bind 127.0.0.1:\(port): Address already in use"
            #expect(error?.message == "webrtc: allocate adjacent UDP port pair after 10 attempts: \(cause)")
            #expect(engine.streams().isEmpty)
            #expect(descriptorCount() <= before)
            holder.onProcessStop(id: "a")
            #expect(try engine.onProcessStart(id: "b", config: Engines.enabled).count == 2)
        }

        @Test func asManyStreamsAsAllowed() throws {
            let engine = try Engines.make { $0.streamsMax = 1 }
            _ = try engine.onProcessStart(id: "a", config: Engines.enabled)
            #expect(failure { try engine.onProcessStart(id: "b", config: Engines.enabled) }?.code == .limitReached)
            engine.onProcessStop(id: "a")
            #expect(try engine.onProcessStart(id: "b", config: Engines.enabled).count == 2)
        }

        @Test func aPortThatIsTakenIsToldAsSuch() throws {
            let engine = try Engines.make()
            #expect(failure { try Engines.make { $0.udpPort = engine.info.udpPort } }?.code == .addressInUse)
            let port = engine.info.udpPort
            engine.shutdown()
            #expect(try Engines.make { $0.udpPort = port }.info.udpPort == port)
        }

        @Test func stoppingAnUnknownProcessDoesNothing() throws {
            let engine = try Engines.make()
            let calls = Mutex(0)
            engine.setTeardownHook { _ in calls.withLock { $0 += 1 } }
            engine.onProcessStop(id: "a")
            #expect(calls.withLock { $0 } == 0)
        }

        @Test func theHookRunsBeforeTheSourcesAreClosedAndHoldsNoLock() throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(id: "a", config: Engines.enabled)
            let port = try #require(engine.stream(named: "a")).videoPort
            let seen = Mutex<[String]>([])
            engine.setTeardownHook { [unowned engine] id in
                seen.withLock { $0.append("\(id) registered \(engine.stream(named: id) != nil) port free \(isFree(port))") }
                // Both take the registry's lock.
                _ = engine.streams()
                engine.setTeardownHook(nil)
            }
            engine.onProcessStop(id: "a")
            #expect(seen.withLock { $0 } == ["a registered true port free false"])
            #expect(isFree(port))
            _ = try engine.onProcessStart(id: "a", config: Engines.enabled)
            engine.onProcessStop(id: "a")
            #expect(seen.withLock { $0 }.count == 1, "the hook took itself off")
        }

        @Test func aStreamThatStopsCanBeReadInTheHookAndNobodyJoinsIt() async throws {
            let engine = try await Engines.playing()
            let handler = WHEPHandler(engine: engine, logger: Engines.silent)
            let answer = try await engine.addViewer(to: "show", offer: Array(BrowserOffer.chromium.utf8))
            let seen = Mutex<[String]>([])
            engine.setTeardownHook { [unowned engine] id in
                let viewers = engine.viewers(of: id)
                seen.withLock {
                    $0 = [
                        "\(engine.stream(named: id)?.viewers ?? 0) viewers", "\(viewers.count) listed", "\(engine.streams().map(\.id))",
                        "\(engine.registry.hasSession(answer.session, of: id))",
                        "\(failure { try engine.registry.reserveViewer(of: engine.registry.streams()[0], max: 9) }?.code.description ?? "joined")",
                    ]
                }
            }
            #expect(engine.onProcessStop(id: "show"))
            #expect(seen.withLock { $0 } == ["1 viewers", "1 listed", #"["show"]"#, "true", "notFound"])
            #expect(engine.stream(named: "show") == nil && engine.streams().isEmpty && engine.viewers(of: "show").isEmpty)
            #expect(!handler.engine.registry.hasSession(answer.session, of: "show"))
        }

        @Test func ofSeveralStopsOneEndsTheStream() async throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(id: "a", config: Engines.enabled)
            let ended = await withTaskGroup(of: Bool.self) { tasks in
                for _ in 0..<8 { tasks.addTask { engine.onProcessStop(id: "a") } }
                return await tasks.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(ended == 1)
            #expect(!engine.onProcessStop(id: "a"))
        }

        @Test(arguments: ["", "..", "a/b", "/\u{301}", "a\nb", "\u{1B}[31m", "a\u{2028}b"])
        func anIDThatCannotStandInAURLIsRefusedAtTheStart(id: String) throws {
            let engine = try Engines.make()
            let error = failure { try engine.onProcessStart(id: id, config: Engines.enabled) }
            #expect(error?.code == .invalidConfiguration && error?.message.hasPrefix("webrtc: id: ") == true)
            #expect(engine.streams().isEmpty)
        }

        @Test func thereIsOneHook() throws {
            let engine = try Engines.make()
            let seen = Mutex<[Int]>([])
            for consumer in 1...2 { engine.setTeardownHook { _ in seen.withLock { $0.append(consumer) } } }
            _ = try engine.onProcessStart(id: "a", config: Engines.enabled)
            engine.onProcessStop(id: "a")
            #expect(seen.withLock { $0 } == [2])
        }

        @Test func shutdownStopsEveryStreamOnce() throws {
            let engine = try Engines.make()
            let seen = Mutex<[String]>([])
            engine.setTeardownHook { id in seen.withLock { $0.append(id) } }
            for id in ["b", "a"] { _ = try engine.onProcessStart(id: id, config: Engines.enabled) }
            engine.shutdown()
            engine.shutdown()
            #expect(seen.withLock { $0 } == ["a", "b"])
            #expect(failure { try engine.onProcessStart(id: "c", config: Engines.enabled) }?.code == .shutDown)
            #expect(engine.statistics() == EngineStatistics())
            #expect(engine.streams().isEmpty)
        }

        @Test func shutdownClosesEveryDescriptor() async throws {
            let before = descriptorCount()
            let engine = try Engines.make()
            _ = try engine.onProcessStart(id: "a", config: Engines.enabled)
            #expect(descriptorCount() > before)
            engine.shutdown()
            #expect(await eventually { descriptorCount() <= before })
        }

        @Test func anEngineThatIsLetGoClosesItself() async throws {
            let before = descriptorCount()
            var engine: EgressEngine? = try Engines.make()
            _ = try engine?.onProcessStart(id: "a", config: Engines.enabled)
            engine = nil
            #expect(await eventually { descriptorCount() <= before })
        }

        @Test func runEndsWithItsTaskOrWithShutdown() async throws {
            let first = try Engines.make()
            let task = Task { try await first.run() }
            task.cancel()
            try await task.value
            #expect(failure { try first.onProcessStart(id: "a", config: Engines.enabled) }?.code == .shutDown)
            let second = try Engines.make()
            async let running: Void = second.run()
            second.shutdown()
            try await running
        }

        @Test func theFormatIsKnownOnceAPictureHasCome() async throws {
            let engine = try await Engines.playing(sps: SPS.write(profileIDC: 100, constraints: 0, levelIDC: 40, width: 1920, height: 1088))
            let status = try #require(engine.stream(named: "show"))
            #expect(status.format == VideoFormat(profileIDC: 100, constraints: 0, levelIDC: 40, width: 1920, height: 1088))
            #expect(status.state == .active)
            #expect(status.statistics.video.packets > 0 && status.statistics.idrs > 0)
            let statistics = engine.statistics()
            #expect(statistics.packetsReceived > 0)
            // All reasons are there, also those that never happened, and nothing else.
            #expect(statistics.dropped["source_unknown"] == 0 && statistics.dropped["source_payload"] == 0)
            #expect(statistics.dropped["other"] == nil && statistics.closed.keys.contains("no_check"))
            #expect(try JSON.encode(status).contains(#""video_port":\#(status.videoPort)"#))
        }

        @Test func waitingForAFormatEndsAtItsLimitOrWithTheStream() async throws {
            let engine = try Engines.make()
            #expect(await engine.videoFormat(of: "a", waitingUpTo: .seconds(60)) == nil)
            _ = try engine.onProcessStart(id: "a", config: Engines.enabled)
            #expect(await engine.videoFormat(of: "a", waitingUpTo: .milliseconds(20)) == nil)
            async let format = engine.videoFormat(of: "a", waitingUpTo: .seconds(60))
            try await Task.sleep(for: .milliseconds(20))
            engine.onProcessStop(id: "a")
            #expect(await format == nil)
            _ = try engine.onProcessStart(id: "a", config: ProcessConfig(webrtc: WebRTCConfig(isEnabled: true, videoMap: "none")))
            #expect(await engine.videoFormat(of: "a", waitingUpTo: .seconds(60)) == nil)
        }

        @Test func theFormatWakesWhoeverWaitsForIt() async throws {
            let engine = try Engines.make()
            _ = try engine.onProcessStart(id: "a", config: Engines.enabled)
            async let format = engine.videoFormat(of: "a", waitingUpTo: .seconds(60))
            try await Engines.play(engine, "a")
            #expect(await format?.profileLevelID == "42c01f")
        }

        @Test func whatHappensIsLoggedWithoutSessions() async throws {
            let recorder = LogRecorder()
            let engine = try await Engines.playing(logger: recorder.logger)
            let answer = try await engine.addViewer(to: "show", offer: Array(BrowserOffer.chromium.utf8))
            let viewer = try #require(engine.viewers(of: "show").first)
            engine.closeViewer(session: answer.session)
            #expect(
                await eventually {
                    recorder.lines.contains {
                        $0.message == "Viewer closed: it or this side asked for it" && $0.metadata["viewer"] == viewer.id
                    }
                })
            #expect(!recorder.lines.contains { $0.metadata.values.contains(answer.session) })
            #expect(recorder.lines.contains { $0.message == "Stream active" && $0.metadata["id"] == "show" })
            engine.onProcessStop(id: "show")
            #expect(recorder.lines.contains { $0.message == "Egress torn down for the process" })
        }
    }
}
