#if Server
internal import Egress

/// The engine's numbers for Prometheus.
enum Metrics {
    static func text(of engine: EgressEngine, _ whep: WHEPHandler, _ connections: Connections?, linesLost: UInt64 = 0) -> String {
        let http = connections.map { HTTPStatistics(connections: $0.count, refused: $0.refusals.all) } ?? HTTPStatistics()
        return text(
            statistics: engine.statistics(), info: engine.info, streams: engine.streams(), whep: whep.statistics(), http: http,
            linesLost: linesLost)
    }

    /// What the server counts of its HTTP connections.
    struct HTTPStatistics {
        var connections = 0
        /// Counts by the limit's name.
        var refused: [String: UInt64] = [:]
    }

    static func text(
        statistics: EngineStatistics, info: EngineInfo, streams: [StreamStatus], whep: WHEPStatistics = WHEPStatistics(),
        http: HTTPStatistics = HTTPStatistics(), linesLost: UInt64 = 0
    ) -> String {
        var text = PrometheusText()
        write(info, to: &text)
        write(statistics, to: &text)
        write(whep, http, to: &text)
        write(streams, to: &text)
        text.family("egress_log_lines_lost_total", .counter, "Log lines that were lost because nobody read them in time.", linesLost)
        return text.text
    }

    private typealias Sample = PrometheusText.Sample

    private static func write(_ info: EngineInfo, to text: inout PrometheusText) {
        let labels = [("io", info.io.rawValue), ("crypto", info.crypto), ("gso", info.gso ? "yes" : "no")]
        text.family("egress_engine_info", .gauge, "What the engine runs on.", [Sample(labels: labels, value: 1)])
        text.family("egress_workers", .gauge, "Threads that share the viewers.", info.workers)
    }

    private static func write(_ engine: EngineStatistics, to text: inout PrometheusText) {
        text.family("egress_streams", .gauge, "Streams that are open.", engine.streams)
        text.family("egress_viewers", .gauge, "Viewers in any state.", engine.viewers)
        text.family("egress_viewers_connected", .gauge, "Viewers that media flows to.", engine.viewersConnected)
        text.family("egress_handshakes", .gauge, "DTLS handshakes that are under way.", engine.handshakes)
        text.family("egress_viewers_created_total", .counter, "Viewers that were let in.", engine.viewersCreated)
        text.family("egress_handshakes_done_total", .counter, "DTLS handshakes that succeeded.", engine.handshakesDone)
        text.family("egress_handshakes_failed_total", .counter, "DTLS handshakes that failed.", engine.handshakesFailed)
        text.family("egress_viewers_closed_total", .counter, "Viewers that are gone, by reason.", byReason(engine.closed))
        text.family("egress_source_packets_total", .counter, "Packets received from sources.", engine.packetsReceived)
        text.family("egress_source_bytes_total", .counter, "Bytes received from sources.", engine.bytesReceived)
        text.family("egress_sent_packets_total", .counter, "RTP packets sent to viewers.", engine.packetsSent)
        text.family("egress_sent_bytes_total", .counter, "Bytes sent to viewers, headers and tags included.", engine.bytesSent)
        text.family("egress_repairs_sent_total", .counter, "Packets sent again because a viewer missed them.", engine.repairsSent)
        text.family("egress_repairs_refused_total", .counter, "Packets not sent again because of a budget.", engine.repairsRefused)
        text.family(
            "egress_pictures_incomplete_total", .counter,
            "Pictures that a viewer never got whole: what it last asked for again was not sent again.", engine.picturesIncomplete)
        text.family("egress_bursts_begun_total", .counter, "Viewers that were sent the GOP so far.", engine.burstsBegun)
        text.family("egress_bursts_refused_total", .counter, "Viewers that had to wait for the next IDR.", engine.burstsRefused)
        text.family("egress_probes_begun_total", .counter, "Probes whether a viewer's link takes a higher encoding.", engine.probesBegun)
        text.family("egress_probes_failed_total", .counter, "Probes that the viewer's link did not take.", engine.probesFailed)
        text.family("egress_probe_packets_sent_total", .counter, "Packets sent again to probe a link.", engine.probePacketsSent)
        text.family("egress_sent_messages_total", .counter, "Messages handed to the kernel; one may be many packets.", engine.messagesSent)
        text.family("egress_send_calls_total", .counter, "System calls made to send.", engine.sendCalls)
        text.family("egress_loop_turns_total", .counter, "Turns of the engine's loops.", engine.loopTurns)
        text.family(
            "egress_thread_cpu_seconds_total", .counter, "CPU time of the engine's threads.",
            [Sample(value: Double(engine.threadMicroseconds) / 1_000_000)])
        text.family("egress_dropped_total", .counter, "Datagrams that were dropped, by reason.", byReason(engine.dropped))
    }

    private static func write(_ whep: WHEPStatistics, _ http: HTTPStatistics, to text: inout PrometheusText) {
        text.family("egress_viewers_connecting", .gauge, "Viewers that have an answer and no connection yet.", whep.viewersConnecting)
        let refused = whep.refused.merging(http.refused, uniquingKeysWith: +)
        text.family(
            "egress_refused_total", .counter, "Requests and connections that a limit has refused.", byReason(refused, "limit"))
        text.family("egress_http_connections", .gauge, "HTTP connections that are open.", http.connections)
        text.family("egress_draining", .gauge, "1 while no new viewers are let in.", whep.isDraining ? 1 : 0)
    }

    private static func write(_ streams: [StreamStatus], to text: inout PrometheusText) {
        func each(_ value: (StreamStatus) -> some BinaryInteger) -> [Sample] {
            streams.map { Sample(labels: [("stream", $0.id)], value: Double(value($0))) }
        }
        func eachSource(_ value: (SourceStatistics) -> some BinaryInteger) -> [Sample] {
            streams.flatMap { stream in
                let sources = [("video", stream.hasVideo, stream.statistics.video), ("audio", stream.hasAudio, stream.statistics.audio)]
                return sources.filter(\.1).map { kind, _, source in
                    Sample(labels: [("stream", stream.id), ("kind", kind)], value: Double(value(source)))
                }
            }
        }
        text.family("egress_stream_active", .gauge, "1 while media arrives.", each { $0.state == .active ? 1 : 0 })
        text.family("egress_stream_viewers", .gauge, "Viewers of the stream in any state.", each(\.viewers))
        text.family("egress_stream_viewers_connected", .gauge, "Viewers that media flows to.", each(\.viewersConnected))
        text.family("egress_stream_bframes", .gauge, "1 with B-frames, which browsers can't play.", each { $0.hasBFrames ? 1 : 0 })
        text.family(
            "egress_stream_gop_seconds", .gauge, "Time between the last two IDRs.",
            streams.map { Sample(labels: [("stream", $0.id)], value: Double($0.statistics.gopMilliseconds) / 1_000) })
        text.family("egress_stream_pictures_total", .counter, "Pictures received.", each(\.statistics.pictures))
        text.family("egress_stream_idrs_total", .counter, "IDR pictures received.", each(\.statistics.idrs))
        text.family("egress_stream_sent_packets_total", .counter, "RTP packets sent to its viewers.", each(\.statistics.packetsSent))
        text.family("egress_stream_sent_bytes_total", .counter, "Bytes sent to its viewers.", each(\.statistics.bytesSent))
        text.family(
            "egress_stream_rendition_viewers", .gauge, "Viewers that get this encoding, in any state.",
            streams.flatMap { stream in
                stream.encodings.map { Sample(labels: [("stream", stream.id), ("rid", $0.rid)], value: Double($0.viewers)) }
            })
        text.family(
            "egress_stream_switches_total", .counter, "Viewers that were switched to a higher (up) or lower (down) encoding.",
            streams.flatMap { stream in
                [("up", stream.statistics.switchesUp), ("down", stream.statistics.switchesDown)].map { direction, count in
                    Sample(labels: [("stream", stream.id), ("direction", direction)], value: Double(count))
                }
            })
        text.family(
            "egress_stream_paused_seconds_total", .counter,
            "Time that viewers, all together, had sound alone because their links did not take the lowest encoding.",
            streams.map { Sample(labels: [("stream", $0.id)], value: $0.statistics.pausedSeconds) })
        text.family("egress_stream_source_packets_total", .counter, "Packets received.", eachSource(\.packets))
        text.family("egress_stream_source_bytes_total", .counter, "Payload bytes received.", eachSource(\.bytes))
        text.family("egress_stream_source_lost_total", .counter, "Sequence numbers that never came.", eachSource(\.lost))
        text.family("egress_stream_source_restarts_total", .counter, "How often another sender took over.", eachSource(\.restarts))
        text.family("egress_stream_source_bit_rate", .gauge, "Payload bits per second.", eachSource(\.bitRate))
        text.family("egress_stream_source_stored_bytes", .gauge, "Bytes kept for joins and retransmission.", eachSource(\.bytesStored))
        text.family(
            "egress_stream_dropped_total", .counter, "Packets of its sources that were dropped, by reason.",
            streams.flatMap { stream in
                stream.statistics.dropped.sorted { $0.key < $1.key }.map {
                    Sample(labels: [("stream", stream.id), ("reason", $0.key)], value: Double($0.value))
                }
            })
    }

    private static func byReason(_ counters: [String: UInt64], _ label: String = "reason") -> [Sample] {
        counters.sorted { $0.key < $1.key }.map { Sample(labels: [(label, $0.key)], value: Double($0.value)) }
    }
}
#endif
