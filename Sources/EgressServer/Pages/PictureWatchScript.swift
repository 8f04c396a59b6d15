#if Server
/// The part of the player that notices when nothing comes any more, and says why as far as a page can know it.
///
/// A connection outlives a source that is away, a session that was ended and a server that is gone, some of them by half a minute, and the video
/// element keeps its last picture all that time. So the page counts what it decodes. When that stands still it says so, asks the server about its
/// session, and goes on by itself as soon as something comes:
///
/// ```
/// playing ──nothing decoded for 1.5 s──▶ waiting ──something decoded──▶ playing
///                                          │ the server says that the session has ended: connect again
/// ```
enum PictureWatchScript {
    static let source = #"""
        // Longer than a late picture, and short enough that nobody wonders for long.
        const silence = 1500;
        const silenceMax = 10000;
        const watched = { pc: null, kind: "", count: 0, changedAt: 0, usual: 0, packets: 0, isHeard: false };
        const answer = { isExpected: false, next: 0, isReachable: true };
        let sourceIsAway = false;

        // What the connection has decoded; of sound alone, what has arrived.
        async function arrivals(pc) {
          let pictures = null;
          let packets = null;
          for (const entry of (await pc.getStats()).values()) {
            if (entry.type !== "inbound-rtp") continue;
            if (entry.kind === "video") pictures = entry.framesDecoded || 0;
            if (entry.kind === "audio") packets = entry.packetsReceived || 0;
          }
          return { pictures, packets };
        }

        async function look() {
          const pc = connection;
          if (!pc || !["connected", "disconnected"].includes(pc.connectionState)) return;
          const { pictures, packets } = await arrivals(pc);
          if (pc !== connection) return;
          const now = performance.now();
          const hasVideo = pc.getTransceivers().some((one) => one.receiver.track.kind === "video" && (one.currentDirection || "").includes("recv"));
          const count = (hasVideo ? pictures : packets) || 0;
          if (watched.pc !== pc) {
            Object.assign(watched, { pc, kind: hasVideo ? "picture" : "sound", count, changedAt: now, usual: 0, packets: 0, isHeard: false });
            Object.assign(answer, { isExpected: false, next: 0, isReachable: true });
            return;
          }
          watched.isHeard = hasVideo && packets > watched.packets;
          watched.packets = packets;
          if (count > watched.count) {
            const pause = now - watched.changedAt;
            // A stream of one picture in two seconds is not away between them.
            if (player.state !== "waiting") watched.usual = Math.max(pause, watched.usual * 0.8);
            watched.count = count;
            watched.changedAt = now;
            answer.isReachable = true;
            if (player.state === "waiting") show("playing");
            return;
          }
          if (now - watched.changedAt < Math.min(Math.max(silence, 2 * watched.usual), silenceMax)) return;
          if (player.state === "stopped") return;
          show("waiting", whyNothingComes());
          ask(pc, now);
        }

        function whyNothingComes() {
          const goesOn = " This page goes on by itself.";
          if (!answer.isReachable) return "The server cannot be reached." + goesOn;
          if (sourceIsAway) return "The source of this stream is away." + goesOn;
          if (watched.isHeard) return "The stream has no picture at the moment, only sound." + goesOn;
          return `No ${watched.kind} comes at the moment.` + goesOn;
        }

        // Whether the server still has the session: the only one that can know.
        async function ask(pc, now) {
          const place = session;
          if (!place || answer.isExpected || now < answer.next) return;
          answer.isExpected = true;
          let status = 0;
          try {
            status = (await fetch(place, { headers: authorization, cache: "no-store", signal: AbortSignal.timeout(1500) })).status;
          } catch { /* no answer is one */ }
          if (pc !== connection || place !== session) return;
          answer.isExpected = false;
          answer.next = performance.now() + 1000;
          // What a proxy says of a server that is gone is 502 to 504.
          answer.isReachable = status > 0 && status < 500;
          if (player.state !== "waiting") return;
          if (status === 404) return lost("The session has ended.");
          show("waiting", whyNothingComes());
        }

        setInterval(() => look().catch(() => {}), 250);
        """#
}
#endif
