"""The stage that attacks are carried out on: a server, a stream, and viewers who watch it and must not notice."""

import contextlib
import os
import random
import re
from collections import Counter

import pytest

import rtp
from scripted import Scripted, Stranger
from waiting import eventually

# What an attacker on loopback would like to know of FFmpeg's RTP, and here does.
SSRC = 0x00C0FFEE
FIRST_SEQUENCE = 1000

# They count packets that a viewer of this server should have had and did not get, or not in time.
# Not "no_room": that is a reply, to whoever asks for more than fits into one turn. What the watchers miss they count themselves.
LOSSES = ["send_buffer_full", "send_failed", "slow_viewer"]
SOURCE_LOSSES = ["source_overflow", "source_late", "source_duplicate", "source_malformed", "source_before_idr"]


def pytest_generate_tests(metafunc):
    """A test that draws names its seed, so that a failure can be had again: EGRESS_E2E_SEED."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", [int(os.environ.get("EGRESS_E2E_SEED", random.SystemRandom().randrange(1 << 32)))])


class Stage:
    def __init__(self, server, stream, watchers):
        self.server = server
        self.stream = stream
        self.watchers = watchers
        self._open = []

    # Who comes.

    def viewer(self, **options):
        self._open.append(Scripted(self.server, self.stream, **options))
        return self._open[-1]

    def stranger(self, *arguments):
        self._open.append(Stranger(self.server, *arguments))
        return self._open[-1]

    def strangers(self, count):
        """At addresses of their own: all of 127.0.0.0/8 is this machine."""
        return [self.stranger(f"127.0.{1 + index // 250}.{2 + index % 250}") for index in range(count)]

    def close(self):
        for somebody in self._open:
            somebody.close()
        self._open.clear()

    # What the server says.

    def total(self, name):
        """Of one of the engine's counters."""
        return self.server.metric(f"egress_{name}_total")

    def dropped(self, reason=None):
        return self.server.metric("egress_dropped_total", **({"reason": reason} if reason else {}))

    def stream_dropped(self, reason):
        return self.server.metric("egress_stream_dropped_total", stream=self.stream, reason=reason)

    def closed(self, reason):
        return self.server.metric("egress_viewers_closed_total", reason=reason)

    def wait_for_more(self, read, before, count, what):
        return eventually(lambda: read() - before >= count, f"{count} more {what}")

    def wait_until_viewers_are(self, count):
        return self.server.wait_for_stream(self.stream, lambda s: s["viewers"] == count, f"{count} viewers")

    @property
    def resident(self):
        """In bytes, of the server's process alone."""
        [pid] = self.server.processes("egress")
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.M)[1]) * 1024

    @contextlib.contextmanager
    def counting(self, **reasons):
        """Each of these reasons has at least so many more drops in the end: whatever was sent has been looked at by then. What a worker is too
        busy to be handed counts too: those floods are larger than the queues between workers have to be.
        """
        before = {reason: self.dropped(reason) for reason in [*reasons, "worker_busy"]}
        all_before = self.dropped()
        yield
        for reason, count in reasons.items():

            def more(reason):
                return self.dropped(reason) - before[reason]

            try:
                eventually(lambda reason=reason, count=count: more(reason) + more("worker_busy") >= count, f"{count} more dropped: {reason}")
            except AssertionError as problem:
                seen = {name: more(name) for name in before}
                raise AssertionError(f"{problem}; {seen}, {self.dropped() - all_before} in all") from None

    def settle(self):
        """What was sent to the server before has been answered, if it ever is: a question that came later has been."""
        self.watchers[0].wait_until_heard()

    # What nobody may notice.

    @contextlib.contextmanager
    def undisturbed(self, pictures=8):
        """The watchers lose no packet, their sessions stay, and pictures go on coming."""
        before = self._state()
        yield
        for watcher in self.watchers:
            watcher.wait_for_pictures(pictures)
        after = self._state()
        assert after == before

    def _state(self):
        losses = Counter({reason: self.dropped(reason) for reason in LOSSES})
        losses |= {reason: self.stream_dropped(reason) for reason in SOURCE_LOSSES}
        status = self.server.stream(self.stream)
        sources = {kind: status["statistics"][kind] for kind in ("video", "audio")}
        return {
            "losses": +losses,
            "lost from FFmpeg": {kind: source["lost"] for kind, source in sources.items()},
            "restarts": {kind: source["restarts"] for kind, source in sources.items()},
            "watchers": [self._noticed(watcher) for watcher in self.watchers],
        }

    @staticmethod
    def _noticed(watcher):
        return {
            "missing": (watcher.video.missing, watcher.audio.missing),
            "broken": watcher.counts["broken"],
            "goodbyes": watcher.counts["bye"] + watcher.counts["sealed alerts"],
            "session": request_status(watcher),
        }


def request_status(watcher):
    return watcher.server.get(watcher.session.removeprefix(watcher.server.url(""))).status


PATTERN = "testsrc2=size=320x180:rate=15[out0];sine=frequency=440:sample_rate=48000[out1]"


@pytest.fixture(scope="module")
def lit_stage(server, artifacts, request):
    """One for all tests of a file: a real FFmpeg, and two viewers. The stream is as the file's WEBRTC says."""
    stream = "stage"
    response = server.put_stream(stream, getattr(request.module, "WEBRTC", {"force_transcode": True}))
    assert response.status == 201, response
    legs = response.json["outputs"]
    for leg in legs:
        leg["options"] += ["-ssrc", str(SSRC), "-seq", str(FIRST_SEQUENCE)]
    log = artifacts / f"{request.module.__name__}_ffmpeg.log"
    with rtp.FFmpeg.feeding(legs, log, ["-re", "-f", "lavfi", "-i", PATTERN]):
        server.wait_until_playable(stream)
        watchers = []
        try:
            for _ in range(2):
                watchers.append(Scripted(server, stream))
                watchers[-1].join()
            yield Stage(server, stream, watchers)
        finally:
            for watcher in watchers:
                watcher.close()
    server.delete_stream(stream)


@pytest.fixture
def stage(lit_stage):
    yield lit_stage
    lit_stage.close()
    # So that the next test counts from nothing.
    lit_stage.wait_until_viewers_are(len(lit_stage.watchers))
