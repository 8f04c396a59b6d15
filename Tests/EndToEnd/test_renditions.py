"""A stream in three sizes, and which of them a viewer gets: as its link takes them, as it chooses, and when one falls silent.

`make ladder-table` measures the first of these.
"""

import itertools
import struct
import time
from typing import NamedTuple

import pytest

import h264
import ladder
import media
from scripted import Scripted
from waiting import eventually

RUNGS = media.SMALL_LADDER
TOP, *_, LOWEST = ladder.heights(RUNGS)
FILM_SECONDS = 70

# For a machine that does other things too. Left alone it takes half a second, and twice ten seconds of calm on the way up.
DOWN_MAX = 5.0
UP_MAX = 45.0
STALL_MAX_MS = 2500
SOUND_GAP_MAX_MS = 1500
# A neighbour stands in within a second.
STAND_IN_MAX = 3.0


@pytest.fixture
def film(library):
    return library.ladder(RUNGS, FILM_SECONDS)


@pytest.fixture
def begin(server, film, artifacts):
    """Feeds a stream with the film."""
    feeds = []

    def start(stream, **options):
        feeds.append(ladder.Feed(server, stream, film, RUNGS, artifacts / f"ladder_{stream}", **options))
        return feeds[-1]

    yield start
    for feed in feeds:
        feed.close()


@pytest.fixture
def scripted(server):
    viewers = []

    def join(stream):
        viewers.append(Scripted(server, stream))
        return viewers[-1]

    yield join
    for viewer in viewers:
        viewer.close()


def test_a_link_that_gets_narrow_gets_a_smaller_picture_and_then_the_large_one_back(server, begin, open_probe, record_property):
    """6, 1 and 6 Mbit/s again. Nobody does anything, and sound never stops."""
    begin("narrow")
    probe = open_probe(server)
    probe.sample()
    with ladder.behind(server.ports["udp"]) as relay:
        viewer = ladder.Viewer(probe, relay)
        probe.watch("narrow", through=relay)
        eventually(lambda: viewer.height() == TOP, "the large picture")
        ladder.settle(viewer, 2)
        narrow = relay.set_rate(ladder.NARROW)
        eventually(lambda: viewer.height() == LOWEST, "the small picture")
        ladder.settle(viewer, 6)
        wide = relay.set_rate(ladder.WIDE)
        eventually(lambda: viewer.height() == TOP, "the large picture again", every=0.2)
        ladder.settle(viewer, 3)
        down, up = viewer.seen(narrow, wide, LOWEST), viewer.seen(wide, time.time(), TOP)
    for name, seen in (("down", down), ("up", up)):
        print(f"\n{name}: {seen}")
        record_property(f"ladder_{name}_ms", round(seen.right_after or -1))
        record_property(f"ladder_{name}_stall_ms", round(seen.stall))
        assert seen.sound_gap < SOUND_GAP_MAX_MS
    assert down.right_after is not None and down.right_after < 1000 * DOWN_MAX
    assert down.stall < STALL_MAX_MS
    assert up.right_after is not None and up.right_after < 1000 * UP_MAX
    assert up.stall < STALL_MAX_MS
    # One rung at a time, and no way back.
    assert up.heights == ladder.heights(RUNGS)[::-1]


class Packet(NamedTuple):
    sequence: int
    timestamp: int
    is_last: bool
    # The first bytes of the slice that begins in it; None: none does.
    begin: bytes | None


class Recorder:
    """Notes the packets of a scripted viewer's pictures."""

    def __init__(self, viewer):
        self._viewer = viewer
        self.packets = []
        viewer.inspect = self._note

    def _note(self, packet):
        sequence, timestamp, ssrc = struct.unpack_from("!HII", packet, 2)
        if ssrc == self._viewer.video.ssrc:
            self.packets.append(Packet(sequence, timestamp, bool(packet[1] & 0x80), h264.slice_in(packet)))

    def pictures(self, known):
        """[(timestamp, rendition, number)], as they came."""
        found = []
        for timestamp, packets in itertools.groupby(self.packets, key=lambda packet: packet.timestamp):
            which = next((known[packet.begin] for packet in packets if packet.begin in known), None)
            if which:
                found.append((timestamp, *which))
        return found

    def cuts(self):
        """Pictures whose rest was given up for a key picture of another size, which takes one number; any other gap is a failure."""
        count = 0
        for before, after in itertools.pairwise(self.packets):
            step = (after.sequence - before.sequence) % 2**16
            if step != 1:
                assert step == 2 and not before.is_last, f"a gap of {step - 1} numbers"
                count += 1
        return count


def rendition(recorder, known):
    """That of the picture that came last."""
    return recorder.pictures(known)[-1][1]


def test_timelines_of_all_sizes_are_one_to_the_tick(begin, scripted, film):
    """A viewer that goes from one to the other, by its own choice, gets each picture of the film once, at the time that it has in the film."""
    known, times = h264.pictures(film, len(RUNGS))
    begin("exact")
    viewer = scripted("exact").join()
    # It begins with what was there, at a pace of its own.
    viewer.wait_for_pictures(media.LADDER_GOP)
    recorder = Recorder(viewer)
    for index in (2, 0, 1, 0, 2):
        response = viewer.choose(encodingId=RUNGS[index].rid)
        assert response.status == 200, response
        viewer.wait_for(lambda _, index=index: recorder.pictures(known)[-1:] and rendition(recorder, known) == index, f"rendition {index}")
        viewer.wait_for_pictures(10)
    viewer.pause()

    pictures = recorder.pictures(known)
    seen = [which for which, _ in itertools.groupby(pictures, key=lambda picture: picture[1])]
    cuts = recorder.cuts()
    print(f"\n{len(pictures)} pictures of renditions {seen}, {cuts} of them cut")
    assert seen[-5:] == [2, 0, 1, 0, 2]
    # What is late for a tenth of a second is not waited for.
    assert cuts <= 1
    errors = {(timestamp - times[which, number] - (pictures[0][0] - times[pictures[0][1:]])) % 2**32 for timestamp, which, number in pictures}
    assert errors == {0}
    steps = [after[2] - before[2] for before, after in itertools.pairwise(pictures)]
    assert min(steps) == 1, "a picture twice"
    assert sum(steps) - len(steps) <= cuts, "pictures left out"


def test_an_encoding_that_dies_sends_its_viewers_to_a_neighbour(server, begin, scripted, film, record_property):
    """Three FFmpegs, each with one size; the largest one's is killed. Viewers that have chosen it and viewers that have not see the next one."""
    known, _ = h264.pictures(film, len(RUNGS))
    feed = begin("mortal", apart=True)
    viewers = [scripted("mortal").join() for _ in range(2)]
    recorders = [Recorder(viewer) for viewer in viewers]
    assert viewers[1].choose(encodingId=RUNGS[0].rid).status == 200
    for viewer, recorder in zip(viewers, recorders):
        viewer.wait_for_pictures(media.LADDER_GOP)
        assert rendition(recorder, known) == 0
    feed.kill(RUNGS[0].rid)
    killed = time.monotonic()
    for viewer, recorder in zip(viewers, recorders):
        viewer.wait_for(lambda _, recorder=recorder: rendition(recorder, known) == 1, "the neighbour")
    took = time.monotonic() - killed
    print(f"\nthe neighbour's picture is there after {took:.2f} s")
    record_property("stand_in_s", round(took, 2))
    assert took < STAND_IN_MAX
    assert all(viewer.video.missing == 0 for viewer in viewers)
    told = server.get("/api/v1/streams/mortal/viewers").json["viewers"]
    assert {(v["rid"], v["switch_reason"]) for v in told} == {(RUNGS[1].rid, "encoding_lost")}
