"""A flash and a beep that belong together: how far apart they come out."""

import statistics

import numpy
import pytest

import media
import rtp
import whep
from waiting import eventually

SECONDS = 12

# What the sender reports say, to a sample; and what a browser makes of it, whose own buffers follow within some seconds.
REPORTED_MAX_MS = 40
PLAYED_MAX_MS = 80


FLASH_RATE, BEEP_RATE = 90_000, 48_000


@pytest.fixture
def lips(server, feed, library):
    return feed("lips", rtp.played(library.numbered(gop_seconds=2)))


class Witness(whep.Viewer):
    """Notes where flashes and beeps begin, in RTP timestamps."""

    def __init__(self, url):
        super().__init__(url)
        self.flashes = []
        self.beeps = []

    async def _receive(self, track):
        begins = {"video": self._flash, "audio": self._beep}[track.kind]
        found = {"video": self.flashes, "audio": self.beeps}[track.kind]
        # What is on at first may have begun before.
        was_on = True
        while True:
            try:
                frame = await track.recv()
            except whep.MediaStreamError:
                return
            at, is_on = begins(frame)
            if is_on and not was_on:
                found.append(frame.pts + at + self.origins[track.kind])
            was_on = is_on

    @staticmethod
    def _flash(frame):
        middle = media.FLASH_SIZE // 2
        return 0, frame.to_ndarray(format="gray")[middle, -middle] > 127

    @staticmethod
    def _beep(frame):
        loud = numpy.flatnonzero(numpy.abs(frame.to_ndarray().reshape(-1, 2)[:, 0].astype(int)) > 1600)
        return (int(loud[0]), True) if loud.size else (0, False)


def when(timestamp, reports, rate):
    """In ms of the sender's clock, by the report that is nearest."""

    def since(report):
        return (timestamp - report[1] + 2**31) % 2**32 - 2**31

    report = min(reports, key=lambda r: abs(since(r)))
    return 1000 * (report[0] / 2**32 + since(report) / rate)


def test_the_sender_reports_tell_what_belongs_together(server, lips, record_property):
    with Witness(server.url("/whep/lips")) as witness:
        eventually(lambda: len(witness.flashes) >= 6 and len(witness.beeps) >= 6, "flashes and beeps")
        flashes = [when(timestamp, witness.reports["video"], FLASH_RATE) for timestamp in witness.flashes]
        beeps = [when(timestamp, witness.reports["audio"], BEEP_RATE) for timestamp in witness.beeps]
    # The beeps of the first and the last flash may not have been heard.
    differences = [nearest(flash, beeps) for flash in flashes[1:-1]]
    print(f"\nbeep after flash by the sender reports: {', '.join(f'{d:.1f}' for d in differences)} ms")
    record_property("reported_sync_ms", round(statistics.median(differences), 1))
    assert max(abs(d) for d in differences) < REPORTED_MAX_MS


def flashes_of(pictures):
    return [after for before, after in zip(pictures, pictures[1:]) if after["flash"] and not before["flash"]]


def nearest(time, others):
    return min((other - time for other in others), key=abs)


def played(probe):
    """How long after the flash its beep is played, median of the last seconds; the viewer is new."""
    probe.wait_for_pictures(1)
    probe.listen()
    probe.wait_for_pictures((SECONDS + 6) * 30)
    heard = probe.heard
    assert len(heard) >= SECONDS, "beeps are missing"
    flashes = flashes_of(probe.shown)
    differences = [nearest(flash["displayed"], heard) - probe.detour for flash in flashes if heard[0] - 500 <= flash["displayed"] <= heard[-1] + 500]
    print(f"\nbeep after flash, each second from the start: {', '.join(f'{d:.0f}' for d in differences)} ms; detour {probe.detour:.0f} ms")
    median = statistics.median(differences[-SECONDS:])
    print(f"median over the last {SECONDS} s: {median:.0f} ms")
    return median


def test_chromium_plays_the_beep_with_the_flash(server, lips, open_probe, record_property):
    probe = open_probe(server)
    probe.watch("lips")
    median = played(probe)
    record_property("lip_sync_ms", round(median))
    assert abs(median) < PLAYED_MAX_MS


def test_one_who_joins_in_the_middle_of_a_long_gop_hears_the_beep_with_the_flash_too(server, feed, open_probe, library, record_property):
    feed("lips", rtp.played(library.numbered(gop_seconds=10)))
    settled, joiner = open_probe(server), open_probe(server)
    settled.watch("lips")
    settled.wait_for_pictures(1)
    middle = range(5 * 30, 7 * 30)
    eventually(lambda: (settled.page.evaluate("probe.shown.at(-1)?.number ?? 0")) % 300 in middle, "5 s into a GOP", every=0.02)
    joiner.watch("lips")
    median = played(joiner)
    record_property("lip_sync_of_joiner_ms", round(median))
    assert abs(median) < PLAYED_MAX_MS
