import { PictureWatch } from "./picture-watch.js";
import { Quality } from "./quality.js";
import { StatisticsMeter } from "./statistics-meter.js";
import { Refusal, WHEPSession } from "./whep-session.js";

const firstDelay = 500;
const lastDelay = 10000;
// The server closes a viewer whose link stays too slow, so that the link is free for others (RFC 8083): coming back at once would undo it.
const congestionDelay = 15000;
// How long a connection may take, and how long one that is disconnected may take to come back by itself, as it often does.
const connectMax = 15000;
const disconnectedMax = 4000;

const soundAlone = "Your connection is too slow for the picture: you hear the sound alone until it is faster.";

// What a stream's video is, where the answer leaves it out because the offer has none of its codecs; else null. It is read from the text, since
// browsers keep no attribute that they don't know.
function unplayable(answer) {
  return answer.match(/^a=egress-unplayable:([^\r\n]+)/m)?.[1] ?? null;
}

/**
 * Plays a stream in a video element: a WHEP client without dependencies, for any page.
 *
 *     const player = new EgressPlayer(video, "https://egress.example/whep/cam", { token });
 *     player.addEventListener("state", ({ detail }) => console.log(detail.state, detail.message));
 *     player.start();
 *
 * It sends its offer at once, without candidates of its own: the server answers checks, it makes none. It connects again by itself.
 *
 * ```
 * stopped ──start()──▶ connecting ──▶ playing ──nothing decoded for 1.5 s──▶ waiting ──something decoded──▶ playing
 *                          ▲             │ lost, closed                         │ the session has ended
 *                          └─────────────┴──────────────────────────────────────┘
 * any of them ──stop(), or a refusal that another attempt would meet again──▶ stopped
 * ```
 *
 * Events, and what is in the `detail` of each:
 * - `state`: `{ state, message, status }`. The state or the message has changed. `status` is the HTTP status of a refusal, or null.
 * - `error`: `{ message, status, isFinal }`. An attempt has failed, or a connection was lost. The player tries again unless `isFinal` is true.
 * - `track`: `{ track }`. The stream has sound or a picture.
 * - `stats`: what `stats` is, once a second while connected.
 * - `quality`: `{ qualities, quality }`. What can be chosen, what plays or what is chosen has changed.
 */
export class EgressPlayer extends EventTarget {
  /** The bearer token, or null. It may be replaced at any time; the next request has the new one. */
  token;
  #video;
  #endpoint;
  #state = "stopped";
  #message = "";
  #stats = null;
  // From start() to stop(): what hangs on the page and on the video element.
  #run = null;
  #connection = null;
  #session = null;
  #watch = null;
  #meter = null;
  // Whether the server may be asked for the session, whether it answered the last time, and what it said of the source.
  #inquiry = { isUnderWay: false, nextAt: 0 };
  #isReachable = true;
  #sourceIsAway = false;
  // What the stream's video is, where there is sound alone because the browser can't play it.
  #unplayable = null;
  #quality = new Quality();
  // Connections that play on until another one does.
  #retired = [];
  // What was begun under another number is stale, and does nothing any more.
  #attempt = 0;
  #delay = firstDelay;
  #timer = 0;
  #presented = null;

  /**
   * @param {HTMLVideoElement} video Give it `autoplay`, `muted` and `playsinline`: browsers let nothing else begin without a click.
   * @param {string | URL} url The stream's WHEP endpoint.
   * @param {{ token?: string | null }} [options]
   */
  constructor(video, url, { token = null } = {}) {
    super();
    this.#video = video;
    this.#endpoint = new URL(url, document.baseURI);
    this.token = token;
  }

  /** @returns {"connecting" | "playing" | "waiting" | "stopped"} */
  get state() {
    return this.#state;
  }

  /** Why there is no picture, in words for the viewer; empty while there is one. */
  get message() {
    return this.#message;
  }

  /** The numbers of the last second, null before the first: rates, losses, delays; and the codec and the size of what plays. */
  get stats() {
    return this.#stats;
  }

  /**
   * What can be chosen, the highest bit rate first: `{ rid, bitRate, width, height, isPlaying, isPinned }`, as far as it is known. Empty where the
   * stream has one encoding for this browser.
   */
  get qualities() {
    return this.#quality.levels;
  }

  /** What was chosen, by its `rid`; null: what the link takes. */
  get quality() {
    return this.#quality.chosen;
  }

  /**
   * Chooses one of the qualities, also for the connections that follow.
   *
   * @param {string | null} rid null: what the link takes, as at first.
   */
  choose(rid) {
    this.#quality.chosen = rid;
    this.#sendChoice();
    this.#tellQuality();
  }

  /** Has no effect on a player that was started and has not stopped. */
  start() {
    if (this.#run) return;
    this.#run = new AbortController();
    const { signal } = this.#run;
    this.#video.addEventListener("playing", () => this.#plays(), { signal });
    addEventListener("pagehide", () => this.#leaveAll(), { signal });
    // Back from the browser's page cache: the session was left above.
    addEventListener("pageshow", (event) => { if (event.persisted) this.#begin(); }, { signal });
    const timers = [
      setInterval(() => this.#look().catch(() => {}), 250),
      setInterval(() => this.#measure().catch(() => {}), 1000),
    ];
    signal.addEventListener("abort", () => timers.forEach((timer) => clearInterval(timer)));
    this.#begin();
  }

  /** Ends the session, and takes the stream out of the video element. */
  stop() {
    if (!this.#run) return;
    this.#halt();
    if (this.#presented && this.#video.srcObject === this.#presented) this.#video.srcObject = null;
    this.#show("stopped");
  }

  #begin() {
    this.#connect();
    this.#show("connecting", "Connecting…");
  }

  #plays() {
    this.#delay = firstDelay;
    this.#show("playing", this.#whyThereIsSoundAlone());
  }

  #show(state, message = "", status = null) {
    if (state === this.#state && message === this.#message) return;
    this.#state = state;
    this.#message = message;
    this.#tell("state", { state, message, status });
  }

  // Last in what a method does: a listener may call start() or stop().
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  get #authorization() {
    return () => (this.token ? { "Authorization": "Bearer " + this.token } : {});
  }

  // Connecting.

  async #connect() {
    const mine = ++this.#attempt;
    const isStale = () => mine !== this.#attempt;
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#connection = pc;
    this.#watch = new PictureWatch(pc);
    this.#meter = new StatisticsMeter(pc);
    this.#inquiry = { isUnderWay: false, nextAt: 0 };
    this.#isReachable = true;
    this.#sourceIsAway = false;
    const stream = new MediaStream();
    pc.addTransceiver("video", { direction: "recvonly" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    pc.ontrack = ({ track }) => {
      stream.addTrack(track);
      // A picture that is still there stays until the next one has come.
      if (this.#retired.length === 0) this.#present(stream);
      this.#tell("track", { track });
    };
    this.#observe(pc, stream, isStale);
    try {
      await pc.setLocalDescription();
      const session = await WHEPSession.open(this.#endpoint, pc.localDescription.sdp, this.#authorization);
      // An attempt that was given up meanwhile: its session would stay until consent expires.
      if (isStale()) return session.end();
      this.#session = session;
      const names = ["reconnect", "active", "inactive", ...(session.hasLayers ? ["layers"] : [])];
      session.listen(names, (name, data) => this.#hear(name, data)).catch(() => {});
      const answer = await session.answer();
      if (isStale()) return;
      this.#unplayable = unplayable(answer);
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
      if (isStale()) return;
      if (this.#quality.chosen !== null) this.#sendChoice();
      if (!session.hasLayers && this.qualities.length > 0) {
        this.#quality.levels = [];
        this.#tellQuality();
      }
    } catch (error) {
      if (isStale()) return;
      if (error instanceof Refusal) return this.#refused(error);
      this.#again(error instanceof TypeError ? "The server cannot be reached." : "Cannot connect: " + error.message);
    }
  }

  #present(stream) {
    this.#presented = stream;
    if (this.#video.srcObject !== stream) this.#video.srcObject = stream;
  }

  #observe(pc, stream, isStale) {
    let patience = setTimeout(() => {
      if (!isStale()) this.#again("No connection could be made. Is the server's UDP port reachable from here?");
    }, connectMax);
    pc.onconnectionstatechange = () => {
      if (isStale()) return clearTimeout(patience);
      switch (pc.connectionState) {
        case "connected":
          clearTimeout(patience);
          if (this.#retired.length > 0) this.#takeOver(stream, isStale);
          else this.#present(stream);
          // Sound alone may play already, and has no width.
          if (this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) this.#show("connecting", "Waiting for the picture…");
          break;
        case "disconnected":
          clearTimeout(patience);
          patience = setTimeout(() => { if (!isStale()) this.#lost("The connection was lost."); }, disconnectedMax);
          break;
        case "failed":
        case "closed":
          clearTimeout(patience);
          this.#lost("The connection has ended.");
          break;
      }
    };
  }

  // Out of sight until it has a picture, so that there is no moment without one in between. What comes to nothing in a few seconds takes over
  // all the same: the old connection ends soon.
  #takeOver(stream, isStale) {
    const ahead = document.createElement("video");
    const change = () => {
      clearTimeout(patience);
      ahead.srcObject = null;
      if (isStale()) return;
      this.#present(stream);
      this.#leaveRetired();
    };
    const patience = setTimeout(change, 3000);
    ahead.muted = true;
    ahead.srcObject = stream;
    ahead.addEventListener("loadeddata", change, { once: true });
    ahead.play().catch(() => {});
  }

  // Leaving.

  #leave() {
    this.#session?.end();
    this.#connection?.close();
    this.#connection = this.#session = this.#watch = this.#meter = null;
  }

  #leaveRetired() {
    for (const { connection, session } of this.#retired) {
      session?.end();
      connection.close();
    }
    this.#retired = [];
  }

  #leaveAll() {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#leave();
    this.#leaveRetired();
  }

  #halt() {
    this.#run.abort();
    this.#run = null;
    this.#leaveAll();
  }

  // What the server says.

  #hear(name, data) {
    if (name === "active") this.#sourceIsAway = false;
    if (name === "inactive") this.#sourceIsAway = true;
    if (name === "layers") return this.#hearOfLayers(data);
    if (name !== "reconnect") return;
    let url = null;
    try { url = JSON.parse(data).url || null; } catch { /* as without one */ }
    this.#move(url);
  }

  #hearOfLayers(data) {
    this.#quality.take(data);
    if (this.#state === "playing") this.#show("playing", this.#whyThereIsSoundAlone());
    if (this.#state === "waiting") this.#show("waiting", this.#whyNothingComes());
    this.#tellQuality();
  }

  #tellQuality() {
    this.#tell("quality", { qualities: this.qualities, quality: this.quality });
  }

  // What does not reach the server is asked for in the next connection.
  async #sendChoice() {
    const session = this.#session;
    const rid = this.quality;
    if (!session?.hasLayers) return;
    try {
      await session.choose(rid);
    } catch (error) {
      const isOver = session !== this.#session || rid !== this.quality;
      if (isOver || !(error instanceof Refusal) || error.status === 404) return;
      this.#quality.giveIn();
      this.#tellQuality();
      this.#tell("error", { message: "This quality cannot be chosen: " + error.message, status: error.status, isFinal: false });
    }
  }

  // The server is about to stop. What it sends goes on playing until a new connection does; how soon that is asked for differs from player to
  // player, so that they don't all come at once.
  #move(url) {
    if (url) this.#endpoint = new URL(url, this.#endpoint);
    this.#session?.stopListening();
    if (this.#connection) this.#retired.push({ connection: this.#connection, session: this.#session });
    this.#connection = this.#session = this.#watch = this.#meter = null;
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), Math.random() * 1000);
  }

  #refused({ status, message, retryAfter }) {
    switch (status) {
      case 401: return this.#giveUp(this.token ? "This stream cannot be watched: " + message : "This stream needs a token.", status);
      case 403: return this.#giveUp("This stream cannot be watched: " + message, status);
      case 404: return this.#giveUp("There is no such stream, or not any more.", status);
      case 406:
      case 422: return this.#giveUp("This browser cannot play the stream: " + message, status);
      case 409: return this.#again("The stream has no picture yet.", retryAfter, status);
      case 429:
      case 503: return this.#again("The server is busy: " + message, retryAfter, status);
      default: return this.#again("The server refused: " + message, null, status);
    }
  }

  #giveUp(message, status) {
    this.#halt();
    this.#show("stopped", message, status);
    this.#tell("error", { message, status, isFinal: true });
  }

  #again(message, wait = null, status = null) {
    this.#attempt += 1;
    this.#leave();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), wait ?? this.#delay);
    this.#delay = Math.min(this.#delay * 2, lastDelay);
    this.#show("connecting", message, status);
    this.#tell("error", { message, status, isFinal: false });
  }

  // The connection is no more, and nothing that it still does counts. Its session may be.
  async #lost(message) {
    const mine = ++this.#attempt;
    this.#session?.stopListening();
    this.#show("connecting", message);
    const ending = this.#session?.url ? await this.#session.ending() : null;
    if (mine !== this.#attempt) return;
    if (!ending) return this.#again(message);
    this.#session = null;
    const why = ending.detail[0].toUpperCase() + ending.detail.slice(1);
    this.#again(why, ending.reason === "congestion" ? Math.max(this.#delay, congestionDelay) : null);
  }

  // Looking after it.

  async #look() {
    const pc = this.#connection;
    if (!pc || !["connected", "disconnected"].includes(pc.connectionState)) return;
    const hasCome = await this.#watch.look();
    if (pc !== this.#connection || hasCome === null) return;
    if (hasCome) {
      this.#isReachable = true;
      if (this.#state === "waiting") this.#show("playing", this.#whyThereIsSoundAlone());
      return;
    }
    this.#show("waiting", this.#whyNothingComes());
    this.#inquire(pc);
  }

  #whyThereIsSoundAlone() {
    if (this.#unplayable) return `This browser can't play this stream's video (${this.#unplayable}): you hear its sound alone.`;
    return this.#quality.isSoundAlone ? soundAlone : "";
  }

  #whyNothingComes() {
    if (!this.#isReachable) return "The server cannot be reached.";
    if (this.#sourceIsAway) return "The source of this stream is away.";
    if (this.#quality.isSoundAlone) return soundAlone;
    if (this.#watch.isHeard) return "The stream has no picture at the moment, only sound.";
    return `No ${this.#watch.kind} comes at the moment.`;
  }

  // Whether the server still has the session: the only one that can know.
  async #inquire(pc) {
    const session = this.#session;
    const inquiry = this.#inquiry;
    if (!session?.url || inquiry.isUnderWay || performance.now() < inquiry.nextAt) return;
    inquiry.isUnderWay = true;
    const status = await session.status();
    inquiry.isUnderWay = false;
    inquiry.nextAt = performance.now() + 1000;
    if (pc !== this.#connection || session !== this.#session) return;
    // What a proxy says of a server that is gone is 502 to 504.
    this.#isReachable = status > 0 && status < 500;
    if (this.#state !== "waiting") return;
    if (status === 404) this.#lost("The session has ended.");
    else this.#show("waiting", this.#whyNothingComes());
  }

  async #measure() {
    const pc = this.#connection;
    if (pc?.connectionState !== "connected") return;
    const stats = await this.#meter.read();
    if (pc !== this.#connection) return;
    this.#stats = stats;
    this.#tell("stats", stats);
  }
}
