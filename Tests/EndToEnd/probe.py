"""Chromium with a page that measures (probe.html): which picture is shown when, and when the beep is heard."""

from pathlib import Path

from waiting import PATIENCE, eventually

PAGE = Path(__file__).with_name("probe.html").read_text(encoding="utf-8")


class Probe:
    """The page stands beside the server's own, so that it may ask it; the server knows nothing of it."""

    def __init__(self, page, server):
        self.page = page
        self._server = server
        page.route("**/probe", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        page.goto(server.url("/probe"))

    def watch(self, stream, through=None, rtx=True, codec=None):
        """Connects, through a relay if one is given, whose losses begin then; `codec` is the only one of video to be offered. Gives the answer."""
        options = {"whep": self._server.url(f"/whep/{stream}"), "through": through and through.port, "rtx": rtx, "codec": codec}
        return self.page.evaluate("options => watch(options)", options)

    def answer(self, offer, through):
        """To a server that makes the offer itself, through a relay."""
        return self.page.evaluate("options => answer(options)", {"offer": offer, "through": through.port})

    def wait_for_pictures(self, count, within=PATIENCE):
        """`count` more than were shown."""
        goal = self.page.evaluate("probe.shown.length") + count
        eventually(lambda: self.page.evaluate("probe.shown.length") >= goal, f"{count} more pictures shown", within)

    def listen(self):
        # A gesture, without which a page may make no sound.
        self.page.mouse.click(5, 5)
        self.page.evaluate("listen()")

    def inbound(self, kind):
        """Its statistics, and the `mimeType` of its codec."""
        return self.page.evaluate("kind => inbound(kind)", kind) or {}

    def number(self):
        """That of the picture shown last; None: there is none, or it is damaged."""
        return self.page.evaluate("probe.shown.at(-1)?.number ?? null")

    @property
    def shown(self):
        """Of each picture: `at` and `displayed` in ms on the page's clock, RTP `timestamp`, `size`, `number` (None: damaged), `flash`."""
        return self.page.evaluate("probe.shown")

    def sample(self):
        """Begins to note statistics ten times a second, and looks at no pixels from now on, which take a busy machine's time."""
        self.page.evaluate("probe.reads = false; sample()")

    @property
    def samples(self):
        """Of each: `at` in ms on the page's clock; figures of `video` and `audio` as getStats names them."""
        return self.page.evaluate("probe.samples")

    @property
    def heard(self):
        """When each beep began, in ms on the page's clock."""
        return self.page.evaluate("probe.heard")

    @property
    def detour(self):
        """What sound takes from the stream into the page's measuring, in ms."""
        return self.page.evaluate("probe.detour")

    @property
    def posted_at(self):
        return self.page.evaluate("probe.postedAt")

    @property
    def epoch(self):
        """What makes the clock of one page that of another, in ms."""
        return self.page.evaluate("performance.timeOrigin")

    def close(self):
        failures = self.page.evaluate("probe.failures")
        self.page.close()
        assert not failures, failures
