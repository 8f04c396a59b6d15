"""A viewer in Chromium behind a link whose rate changes, and what it sees of that."""

import itertools
import time
from dataclasses import dataclass

import media
import rtp
from relay import Relay

MBIT = 1_000_000
WIDE, NARROW = 6 * MBIT, MBIT
LINK = {"delay": 0.02, "queue_size": 64 * 1024}


def encodings(rungs):
    """Of a stream that a host's FFmpeg feeds with such a film."""
    return [{"rid": rung.rid, "map": f"0:v:{index}", "copy": True} for index, rung in enumerate(rungs)]


class Feed:
    """A stream of `egress` that has the renditions of a film. Ends with the `with` block.

    `apart`: each rendition has an FFmpeg of its own, which can be killed.
    """

    def __init__(self, server, stream, film, rungs, log_path, apart=False):
        self._server, self.stream = server, stream
        created = server.put_stream(stream, {"enabled": True, "encodings": encodings(rungs)})
        assert created.status == 201, created
        outputs = created.json["outputs"]
        # The sound goes with the last one.
        names = [rung.rid for rung in rungs]
        parts = dict(zip(names, [[output] for output in outputs[: len(names) - 1]] + [outputs[len(names) - 1 :]])) if apart else {"all": outputs}
        self._runs = {name: rtp.FFmpeg.feeding(legs, f"{log_path}_{name}.log", rtp.played(film)) for name, legs in parts.items()}
        server.wait_until_all_play(stream)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def kill(self, rid):
        self._runs[rid].kill()

    def close(self):
        for run in self._runs.values():
            run.stop()
        self._server.delete_stream(self.stream)


def behind(engine_port, **properties):
    """The link that the viewers of these measurements have, which is wide at first."""
    return Relay(engine_port, bits_per_second=WIDE, **LINK, **properties)


@dataclass
class Seen:
    """Of a span of time. Times are in ms, from its begin."""

    # From when on all pictures have the height that is right for the link; None: they have not in the end.
    right_after: float | None
    # The longest time without a new picture, also at the end.
    stall: float
    heights: list
    pictures: int
    freezes: int
    freezes_ms: float
    # Sound that the browser made up, and the longest time in which no packet of it came.
    concealed_ms: float
    concealments: int
    sound_gap: float
    samples_ms: float
    dropped: int
    queue_max: int

    @property
    def changes(self):
        return len(self.heights) - 1


class Viewer:
    """One probe and the relay that it is behind."""

    def __init__(self, probe, relay):
        self.probe, self.relay = probe, relay
        self._epoch = probe.epoch

    def at(self, seconds):
        """A time of this machine on the page's clock, in ms."""
        return 1000 * seconds - self._epoch

    def seen(self, begin, end, height):
        """Between two times of this machine, at the end of which pictures of this height are right."""
        begins, ends = self.at(begin), self.at(end)
        shown = [(picture["at"], picture["size"][1]) for picture in self.probe.shown if picture["at"] <= ends]
        before = [at for at, _ in shown if at < begins][-1:]
        within = [(at, size) for at, size in shown if at >= begins]
        times = [*before, *(at for at, _ in within), ends]
        right = list(itertools.takewhile(lambda picture: picture[1] == height, reversed(within)))
        samples = [sample for sample in self.probe.samples if begins - 200 <= sample["at"] <= ends]
        first, last = samples[0], samples[-1]

        def more(kind, name):
            return last[kind][name] - first[kind][name]

        return Seen(
            right_after=right[-1][0] - begins if right else None,
            stall=max(b - a for a, b in itertools.pairwise(times)),
            heights=[size for size, _ in itertools.groupby(size for _, size in within)],
            pictures=len(within),
            freezes=more("video", "freezeCount"),
            freezes_ms=1000 * more("video", "totalFreezesDuration"),
            concealed_ms=more("audio", "concealedSamples") / 48,
            concealments=more("audio", "concealmentEvents"),
            sound_gap=sound_gap(samples),
            samples_ms=more("audio", "totalSamplesReceived") / 48,
            dropped=sum(begin <= drop <= end for drop in self.relay.link.drops),
            queue_max=max((level for at, level in self.relay.link.levels if begin <= at <= end), default=0),
        )

    def height(self):
        """Of the picture that is shown."""
        return self.probe.page.evaluate("probe.shown.at(-1)?.size[1] ?? 0")


def sound_gap(samples):
    """The longest time in which no packet of sound came, as exactly as statistics were asked for."""
    counts = [(sample["at"], sample["audio"]["packetsReceived"]) for sample in samples]
    arrivals = [after[0] for before, after in itertools.pairwise(counts) if after[1] > before[1]]
    times = [samples[0]["at"], *arrivals, samples[-1]["at"]]
    return max(b - a for a, b in itertools.pairwise(times))


def settle(viewer, seconds):
    """Time passes at the present rate; gives its begin."""
    begin = time.time()
    viewer.probe.page.wait_for_timeout(1000 * seconds)
    return begin


def heights(rungs=media.LADDER):
    return [rung.height for rung in rungs]
