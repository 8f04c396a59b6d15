// What a connection plays, its numbers, and how they change from one reading to the next.
import { codecName } from "./codec-names.js";

// A browser has no codec in its report before the first packet.
function nameOf(codec) {
  return codec ? codecName(codec.mimeType.replace(/^\w+\//, "")) : null;
}

export class StatisticsMeter {
  #connection;
  #previous = null;

  constructor(connection) {
    this.#connection = connection;
  }

  async read() {
    const report = await this.#connection.getStats();
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
      codec: nameOf(report.get(inbound?.codecId)),
      width: inbound?.frameWidth ?? 0,
      height: inbound?.frameHeight ?? 0,
      framesPerSecond: inbound?.framesPerSecond ?? null,
      framesDecoded: inbound?.framesDecoded ?? 0,
      framesDropped: inbound?.framesDropped ?? 0,
      packetsLost: lost,
      freezeCount: inbound?.freezeCount ?? 0,
      roundTripMs: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
      bitRate: null,
      jitterBufferMs: null,
    };
    const previous = this.#previous;
    if (previous && now.time > previous.time) {
      stats.bitRate = (bytes - previous.bytes) * 8000 / (now.time - previous.time);
      const frames = now.emitted - previous.emitted;
      if (frames > 0) stats.jitterBufferMs = (now.buffer - previous.buffer) * 1000 / frames;
    }
    this.#previous = now;
    return stats;
  }
}
