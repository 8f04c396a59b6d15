"""The player page in Chromium, looked at from inside."""

from waiting import PATIENCE, eventually

# Runs before the page's own scripts. Keeps the page's connections at hand for getStats, and notes when each picture is shown, and what the
# newest connection had decoded each time that the page changed from one stream to another.
PROBE = """
(() => {
  const connections = [];
  const shown = [];
  const changes = [];
  const Native = RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...options) { super(...options); connections.push(this); }
  };

  const note = (video) => video.requestVideoFrameCallback((now) => { shown.push(now); note(video); });
  const noteChanges = (video) => video.addEventListener("emptied", async () => {
    changes.push((await probe.inbound("video"))?.framesDecoded ?? 0);
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("video").forEach((video) => {
    note(video);
    noteChanges(video);
  }));

  const canvas = document.createElement("canvas");
  canvas.width = 32;
  canvas.height = 18;
  const context = canvas.getContext("2d", { willReadFrequently: true });

  window.probe = {
    shown,
    changes,
    connections,
    async inbound(kind) {
      const report = await connections.at(-1).getStats();
      const found = [...report.values()].find((entry) => entry.type === "inbound-rtp" && entry.kind === kind);
      return found ? { ...found, mimeType: report.get(found.codecId)?.mimeType } : null;
    },
    picture() {
      context.drawImage(document.querySelector("video"), 0, 0, canvas.width, canvas.height);
      return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
    },
    postedAt() {
      return performance.getEntriesByType("resource").find((entry) => entry.name.includes("/whep/"))?.startTime ?? null;
    },
  };
})();
"""

# The page's offers lack a codec of video, as those of a browser without it.
WITHOUT_CODEC = """
(() => {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (kind, options) {
    const transceiver = add.call(this, kind, options);
    if (kind === "video") {
      const { codecs } = RTCRtpReceiver.getCapabilities("video");
      transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType !== "%s"));
    }
    return transceiver;
  };
})();
"""


class Player:
    def __init__(self, page, url, without=None):
        self.page = page
        self.problems = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.add_init_script(PROBE)
        if without:
            page.add_init_script(WITHOUT_CODEC % without)
        page.goto(url)

    def wait_for_picture(self, within=PATIENCE):
        eventually(lambda: self.video("videoWidth") > 0 and self.shown > 0, "a picture in the player", within)

    def video(self, name):
        """A property of the video element."""
        return self.page.evaluate("name => document.getElementById('video')[name]", name)

    @property
    def state(self):
        return self.page.evaluate("egressPlayer.state")

    @property
    def notice(self):
        """What the page says to who sits before it; empty while it says nothing."""
        return self.page.locator("#notice").inner_text() if self.page.locator("#notice").is_visible() else ""

    def wait_for_state(self, state, within=PATIENCE):
        eventually(lambda: self.state == state, f"the player is {state}", within)

    @property
    def size(self):
        return self.video("videoWidth"), self.video("videoHeight")

    @property
    def shown(self):
        """How many pictures were shown."""
        return self.page.evaluate("probe.shown.length")

    @property
    def connections(self):
        """How many connections the page has made."""
        return self.page.evaluate("probe.connections.length")

    @property
    def decoded_at_changes(self):
        """For each change to another connection, how many pictures that one had decoded by then."""
        return self.page.evaluate("probe.changes")

    def inbound(self, kind):
        return self.page.evaluate("kind => probe.inbound(kind)", kind) or {}

    def wait_for_decoded(self, count, within=PATIENCE):
        """`count` more pictures than now."""
        goal = self.inbound("video").get("framesDecoded", 0) + count
        eventually(lambda: self.inbound("video").get("framesDecoded", 0) >= goal, f"{count} more pictures decoded", within)

    def wait_for_change(self, within=PATIENCE):
        """Another picture than now: pixels, not counters."""
        before = self.page.evaluate("probe.picture()")
        assert any(before[i] for i in range(len(before)) if i % 4 != 3), "the picture is black"
        eventually(lambda: self.page.evaluate("probe.picture()") != before, "the picture moves", within)

    def turn_sound_on(self):
        self.page.locator("#sound").click(timeout=PATIENCE * 1000)
        eventually(lambda: not self.video("muted"), "the sound is on")

    def wait_for_sound(self, within=PATIENCE):
        """Energy beyond what there is now."""
        before = self.inbound("audio").get("totalAudioEnergy", 0)
        eventually(lambda: self.inbound("audio").get("totalAudioEnergy", 0) > before + 1e-6, "sound energy", within)

    def first_picture_ms(self):
        """From the POST to the first picture shown."""
        return self.page.evaluate("probe.shown[0] - probe.postedAt()")

    def longest_gap_ms(self):
        """Between two pictures shown, since the first."""
        return self.page.evaluate("probe.shown.reduce((longest, t, i, all) => i ? Math.max(longest, t - all[i - 1]) : 0, 0)")

    def close(self):
        self.page.close()
        assert not self.problems, self.problems
