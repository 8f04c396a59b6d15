// Notices when nothing comes over a connection any more.
//
// A connection outlives a source that is away, a session that was ended and a server that is gone, some of them by half a minute, and the video
// element keeps its last picture all that time. So what was decoded is counted.

// Longer than a late picture, and short enough that nobody wonders for long.
const silence = 1500;
const silenceMax = 10000;

// What the connection has decoded; of sound alone, what has arrived.
async function arrivals(connection) {
  let pictures = null;
  let packets = null;
  for (const entry of (await connection.getStats()).values()) {
    if (entry.type !== "inbound-rtp") continue;
    if (entry.kind === "video") pictures = entry.framesDecoded || 0;
    if (entry.kind === "audio") packets = entry.packetsReceived || 0;
  }
  return { pictures, packets };
}

function receivesVideo(connection) {
  return connection.getTransceivers().some((one) => one.receiver.track.kind === "video" && (one.currentDirection || "").includes("recv"));
}

export class PictureWatch {
  // What is missed when nothing comes.
  kind = "picture";
  // Whether sound comes all the same.
  isHeard = false;
  #connection;
  #count = 0;
  #packets = 0;
  #changedAt = null;
  #usual = 0;
  #isSilent = false;

  constructor(connection) {
    this.#connection = connection;
  }

  // True when something has come since the last look, false when nothing has for longer than is usual, null in between.
  async look() {
    const { pictures, packets } = await arrivals(this.#connection);
    const now = performance.now();
    const hasVideo = receivesVideo(this.#connection);
    const count = (hasVideo ? pictures : packets) || 0;
    if (this.#changedAt === null) {
      this.kind = hasVideo ? "picture" : "sound";
      this.#count = count;
      this.#changedAt = now;
      return null;
    }
    this.isHeard = hasVideo && packets > this.#packets;
    this.#packets = packets;
    if (count > this.#count) {
      // A stream of one picture in two seconds is not away between them.
      if (!this.#isSilent) this.#usual = Math.max(now - this.#changedAt, this.#usual * 0.8);
      this.#count = count;
      this.#changedAt = now;
      this.#isSilent = false;
      return true;
    }
    this.#isSilent = now - this.#changedAt >= Math.min(Math.max(silence, 2 * this.#usual), silenceMax);
    return this.#isSilent ? false : null;
  }
}
