#if Server
/// The player: a WHEP client without dependencies.
///
/// It sends its offer at once, without candidates of its own: the server answers checks, it makes none. It plays muted, since browsers let
/// nothing else begin by itself, and turns the sound on at a click. A token is taken from the fragment of its address, `#token=…`, which
/// browsers send to nobody. `window.egressPlayer` shows its state and numbers to tests.
enum PlayerScript {
    static let source = "\"use strict\";\n\n" + PictureWatchScript.source + "\n\n" + player + "\n"

    private static let player = #"""
        let endpoint = new URL(document.body.dataset.whep, location.href);
        // Behind the address, where it is sent to nobody: no server sees it, no log has it.
        const token = new URLSearchParams(location.hash.slice(1)).get("token");
        const authorization = token ? { "Authorization": "Bearer " + token } : {};
        const video = document.getElementById("video");
        const notice = document.getElementById("notice");
        const stateText = document.getElementById("state");
        const soundButton = document.getElementById("sound");
        const toggle = document.getElementById("toggle");
        const panel = document.getElementById("stats");

        const firstDelay = 500;
        const lastDelay = 10000;
        // The server closes a viewer whose link stays too slow, so that the link is free for others (RFC 8083): coming back at once would undo it.
        const congestionDelay = 15000;
        const player = { state: "connecting", stats: null };
        window.egressPlayer = player;

        let connection = null;
        let session = null;
        let events = null;
        let retired = [];
        let attempt = 0;
        let delay = firstDelay;
        let timer = 0;
        let previous = null;

        function show(state, text) {
          player.state = state;
          stateText.textContent = state;
          stateText.className = "state " + ({ playing: "active", connecting: "waiting", waiting: "waiting", stopped: "inactive" }[state] || "dim");
          notice.textContent = text || "";
          notice.hidden = !text;
        }

        // What the server said in the body of a problem, or its status.
        async function reason(response) {
          try {
            const problem = await response.json();
            return problem.detail || problem.title || "status " + response.status;
          } catch {
            return "status " + response.status;
          }
        }

        function retryAfter(response) {
          const value = response.headers.get("Retry-After");
          if (!value) return null;
          const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
          return Number.isFinite(seconds) ? Math.max(0, seconds) * 1000 : null;
        }

        function dismiss(place) {
          fetch(place, { method: "DELETE", headers: authorization, keepalive: true }).catch(() => {});
        }

        function end({ connection, session, events }) {
          if (events) events.abort();
          if (session) dismiss(session);
          if (connection) connection.close();
        }

        function leave() {
          end({ connection, session, events });
          connection = session = events = previous = null;
        }

        function leaveRetired() {
          retired.forEach(end);
          retired = [];
        }

        // The server is about to stop. What it sends goes on playing until a new connection does; how soon that is asked for differs from
        // player to player, so that they don't all come at once.
        function move(url) {
          if (url) endpoint = new URL(url, endpoint);
          if (events) events.abort();
          if (connection) retired.push({ connection, session });
          connection = session = events = null;
          attempt += 1;
          clearTimeout(timer);
          timer = setTimeout(connect, Math.random() * 1000);
        }

        // Server-sent events, as far as the server has them.
        async function listen(response, isStale) {
          const link = (response.headers.get("Link") || "").split(/,(?=\s*<)/).find((text) => text.includes("core:server-sent-events"));
          const target = link && link.match(/<([^>]*)>/);
          if (!target) return;
          const created = await fetch(new URL(target[1], response.url), {
            method: "POST",
            headers: { ...authorization, "Content-Type": "application/json" },
            body: JSON.stringify(["reconnect", "active", "inactive"]),
          });
          const place = created.headers.get("Location");
          if (isStale() || created.status !== 201 || !place) return;
          events = new AbortController();
          // A proxy that ends what stays open for long does not end the events.
          for (const signal = events.signal; !isStale() && !signal.aborted; ) {
            if (!await follow(new URL(place, created.url), signal, isStale).catch(() => true)) return;
            await new Promise((next) => setTimeout(next, 2000));
          }
        }

        // Not EventSource: it can carry no token. False when there is nothing more to be had.
        async function follow(place, signal, isStale) {
          const response = await fetch(place, { headers: { ...authorization, "Accept": "text/event-stream" }, cache: "no-store", signal });
          if (!response.ok) return response.status >= 500;
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          for (let text = ""; ;) {
            const { value, done } = await reader.read();
            if (isStale()) return false;
            if (done) return true;
            const parts = (text + value).split("\n\n");
            text = parts.pop();
            for (const part of parts) {
              const field = (name) => part.split("\n").find((line) => line.startsWith(name + ":"))?.slice(name.length + 1).trim();
              if (field("event") === "active") sourceIsAway = false;
              if (field("event") === "inactive") sourceIsAway = true;
              if (field("event") !== "reconnect") continue;
              let url = null;
              try { url = JSON.parse(field("data")).url || null; } catch { /* as without one */ }
              move(url);
              return false;
            }
          }
        }

        function again(text, wait) {
          attempt += 1;
          leave();
          clearTimeout(timer);
          const pause = wait === undefined || wait === null ? delay : wait;
          delay = Math.min(delay * 2, lastDelay);
          show("connecting", text);
          timer = setTimeout(connect, pause);
        }

        // What the server says of a session that it has closed; null when it has not, or is not there to say it.
        async function obituary(place) {
          try {
            const response = await fetch(place, { headers: authorization, cache: "no-store", signal: AbortSignal.timeout(3000) });
            if (response.status !== 404) return null;
            const problem = await response.json();
            return problem.reason && problem.detail ? problem : null;
          } catch {
            return null;
          }
        }

        // The connection is no more, and nothing that it still does counts. Its session may be.
        async function lost(text) {
          const mine = ++attempt;
          show("connecting", text);
          const end = session ? await obituary(session) : null;
          if (mine !== attempt) return;
          if (!end) return again(text);
          session = null;
          const why = end.detail[0].toUpperCase() + end.detail.slice(1);
          again(why, end.reason === "congestion" ? Math.max(delay, congestionDelay) : null);
        }

        function stop(text) {
          attempt += 1;
          leave();
          leaveRetired();
          clearTimeout(timer);
          show("stopped", text);
        }

        async function refused(response) {
          const why = await reason(response);
          switch (response.status) {
            case 401:
              return stop(token ? "This stream cannot be watched: " + why : "This stream needs a token, behind the address of this page: #token=…");
            case 403: return stop("This stream cannot be watched: " + why);
            case 404: return stop("There is no such stream, or not any more. Reload the page to try again.");
            case 409: return again("The stream has no picture yet.", retryAfter(response));
            case 429:
            case 503: return again("The server is busy: " + why, retryAfter(response));
            case 406:
            case 422: return stop("This browser cannot play the stream: " + why);
            default: return again("The server refused: " + why);
          }
        }

        async function connect() {
          const mine = ++attempt;
          const isStale = () => mine !== attempt;
          sourceIsAway = false;
          const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
          connection = pc;
          const stream = new MediaStream();
          pc.addTransceiver("video", { direction: "recvonly" });
          pc.addTransceiver("audio", { direction: "recvonly" });
          pc.ontrack = (event) => {
            stream.addTrack(event.track);
            if (event.track.kind === "audio") soundButton.hidden = !video.muted;
            // A picture that is still there stays until the next one has come.
            if (retired.length === 0) present();
          };
          const present = () => { if (video.srcObject !== stream) video.srcObject = stream; };
          watch(pc, stream, isStale, present);
          try {
            await pc.setLocalDescription();
            const response = await fetch(endpoint, {
              method: "POST",
              headers: { "Content-Type": "application/sdp", ...authorization },
              body: pc.localDescription.sdp,
            });
            if (isStale()) return abandon(response);
            if (response.status !== 201) return refused(response);
            const place = response.headers.get("Location");
            session = place ? new URL(place, response.url).href : null;
            listen(response, isStale).catch(() => {});
            await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
          } catch (error) {
            if (!isStale()) again(error instanceof TypeError ? "The server cannot be reached." : "Cannot connect: " + error.message);
          }
        }

        // The answer to an attempt that was given up meanwhile: its session would stay until consent expires.
        function abandon(response) {
          const place = response.headers.get("Location");
          if (response.status === 201 && place) dismiss(new URL(place, response.url));
        }

        // Out of sight until it has a picture, so that there is no moment without one in between. What comes to nothing in a few seconds takes over
        // all the same: the old connection ends soon.
        function takeOver(stream, isStale, present) {
          const ahead = document.createElement("video");
          const patience = setTimeout(change, 3000);
          function change() {
            clearTimeout(patience);
            ahead.srcObject = null;
            if (isStale()) return;
            present();
            leaveRetired();
          }
          ahead.muted = true;
          ahead.srcObject = stream;
          ahead.addEventListener("loadeddata", change, { once: true });
          ahead.play().catch(() => {});
        }

        function watch(pc, stream, isStale, present) {
          let patience = setTimeout(() => {
            if (!isStale()) again("No connection could be made. Is the server's UDP port reachable from here?");
          }, 15000);
          pc.onconnectionstatechange = () => {
            if (isStale()) return clearTimeout(patience);
            switch (pc.connectionState) {
              case "connected":
                clearTimeout(patience);
                if (retired.length > 0) takeOver(stream, isStale, present);
                else present();
                // Sound alone may play already, and has no width.
                if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) show("connecting", "Waiting for the picture…");
                break;
              case "disconnected":
                // It often comes back by itself.
                clearTimeout(patience);
                patience = setTimeout(() => { if (!isStale()) lost("The connection was lost."); }, 4000);
                break;
              case "failed":
              case "closed":
                clearTimeout(patience);
                lost("The connection has ended.");
                break;
            }
          };
        }

        video.addEventListener("playing", () => {
          delay = firstDelay;
          show("playing");
        });

        soundButton.addEventListener("click", () => {
          video.muted = false;
          soundButton.hidden = true;
          video.play().catch(() => {
            video.muted = true;
            soundButton.hidden = false;
          });
        });

        toggle.addEventListener("click", () => {
          panel.hidden = !panel.hidden;
          toggle.setAttribute("aria-expanded", String(!panel.hidden));
        });

        // The operator's token opens the list as well.
        if (token) for (const link of document.links) link.hash = location.hash;
        addEventListener("hashchange", () => location.reload());
        addEventListener("pagehide", () => {
          attempt += 1;
          clearTimeout(timer);
          leave();
          leaveRetired();
        });
        // Back from the browser's page cache: the session was left above.
        addEventListener("pageshow", (event) => { if (event.persisted) connect(); });

        async function measure() {
          const pc = connection;
          if (!pc || pc.connectionState !== "connected") return;
          const report = await pc.getStats();
          let inbound = null;
          let pair = null;
          let bytes = 0;
          let lost = 0;
          for (const entry of report.values()) {
            if (entry.type === "inbound-rtp") {
              bytes += entry.bytesReceived || 0;
              lost += entry.packetsLost || 0;
              if (entry.kind === "video") inbound = entry;
            }
            if (entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded") pair = entry;
          }
          const now = { time: performance.now(), bytes, buffer: inbound?.jitterBufferDelay, emitted: inbound?.jitterBufferEmittedCount };
          const stats = {
            width: video.videoWidth,
            height: video.videoHeight,
            framesPerSecond: inbound?.framesPerSecond ?? null,
            framesDecoded: inbound?.framesDecoded ?? 0,
            framesDropped: inbound?.framesDropped ?? 0,
            packetsLost: lost,
            freezeCount: inbound?.freezeCount ?? 0,
            roundTripMs: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
            bitRate: null,
            jitterBufferMs: null,
          };
          if (previous && now.time > previous.time) {
            stats.bitRate = (bytes - previous.bytes) * 8000 / (now.time - previous.time);
            const frames = now.emitted - previous.emitted;
            if (frames > 0) stats.jitterBufferMs = (now.buffer - previous.buffer) * 1000 / frames;
          }
          previous = now;
          player.stats = stats;
          if (!panel.hidden) draw(stats);
        }

        function draw(stats) {
          const unknown = "–";
          const fixed = (value, digits, unit) => (value === null || value === undefined ? unknown : value.toFixed(digits) + unit);
          const rows = {
            "Resolution": stats.width ? stats.width + " × " + stats.height : unknown,
            "Pictures a second": fixed(stats.framesPerSecond, 0, ""),
            "Bit rate": fixed(stats.bitRate === null ? null : stats.bitRate / 1e6, 2, " Mbit/s"),
            "Packets lost": String(stats.packetsLost),
            "Jitter buffer": fixed(stats.jitterBufferMs, 0, " ms"),
            "Freezes": String(stats.freezeCount),
            "Round trip": fixed(stats.roundTripMs, 1, " ms"),
          };
          panel.replaceChildren(...Object.entries(rows).map(([name, value]) => {
            const group = document.createElement("div");
            const term = document.createElement("dt");
            const text = document.createElement("dd");
            term.textContent = name;
            text.textContent = value;
            group.append(term, text);
            return group;
          }));
        }

        setInterval(() => measure().catch(() => {}), 1000);
        connect();
        """#
}
#endif
