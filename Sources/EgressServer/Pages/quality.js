// Which of a stream's encodings a viewer can choose among, which of them it gets, and which it has chosen.

// What the server's event `layers` says: for the video's place in the SDP a list. Highest bit rate first.
function parse(data) {
  const [layers] = Object.values(JSON.parse(data));
  return layers
    .map(({ rid, bitrate, targetBitrate, width, height, playing, pinned }) => ({
      rid,
      bitRate: targetBitrate ?? bitrate ?? null,
      width: width ?? 0,
      height: height ?? 0,
      isPlaying: playing === true,
      isPinned: pinned === true,
    }))
    .sort((one, other) => (other.bitRate ?? 0) - (one.bitRate ?? 0));
}

export class Quality {
  // What the user has chosen, by its rid; null: the link decides. It outlives connections, and is asked for again in each.
  chosen = null;
  // Empty: there is nothing to choose.
  levels = [];

  // What can't be read changes nothing.
  take(data) {
    try {
      this.levels = parse(data);
    } catch { /* as before */ }
  }

  // The server has not done what was chosen: what it does instead is what counts.
  giveIn() {
    this.chosen = this.levels.find((level) => level.isPinned)?.rid ?? null;
  }

  // The link does not even take the lowest.
  get isSoundAlone() {
    return this.levels.length > 0 && !this.levels.some((level) => level.isPlaying);
  }
}
