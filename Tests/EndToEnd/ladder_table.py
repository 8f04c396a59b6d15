"""What a viewer in Chromium sees of a ladder of three when its link goes from 6 to 1 Mbit/s and back: measures it, and writes a table.

As a program: `ladder_table.py [--server egress|janus]... [--runs N] [--write FILE]`. A browser decodes in real time here: the machine should have
nothing else to do.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import chromium
import janus
import ladder
import media
from probe import Probe
from server import Server

SETTLED, AT_NARROW, AT_WIDE = 10, 20, 40
FILM_SECONDS = SETTLED + AT_NARROW + AT_WIDE + 20

COLUMNS = (
    "run", "began with",
    "1 Mbit/s: right rung after, s", "longest stall, ms", "freezes", "of, s", "sound made up, ms", "dropped by the link", "switches",
    "6 Mbit/s: right rung after, s", "longest stall, ms", "freezes", "of, s", "sound made up, ms", "dropped by the link", "switches",
)


class Egress:
    name = "Egress"
    about = "The viewer's link decides; nobody chooses."

    def __init__(self, folder):
        self._folder = folder
        self._server = Server.start(folder / "egress.log", "serve")

    @contextmanager
    def viewer(self, browser, film, number):
        stream = f"ladder{number}"
        with ladder.Feed(self._server, stream, film, media.LADDER, self._folder / f"egress_{number}"):
            with ladder.behind(self._server.ports["udp"]) as relay:
                probe = Probe(browser.new_page(), self._server)
                probe.sample()
                probe.watch(stream, through=relay)
                yield ladder.Viewer(probe, relay)
                print([self._told(viewer) for viewer in self._server.get(f"/api/v1/streams/{stream}/viewers").json["viewers"]])
                probe.close()

    @staticmethod
    def _told(viewer):
        names = ("rid", "estimate_bit_rate", "switches_up", "switches_down", "switch_reason")
        return {name: viewer[name] for name in names if name in viewer}

    def close(self):
        self._server.stop()


class Janus:
    name = "Janus"
    about = (
        "1.1.2 of Debian 12, its streaming plugin with the same three as substreams. It switches when it is asked to by its API, and by itself only"
        " where a substream falls silent: a viewer has the highest until a page asks for another, and nobody asks here."
    )

    def __init__(self, folder):
        self._folder = folder
        self._server = janus.Janus(folder / "janus.log")

    @contextmanager
    def viewer(self, browser, film, number):
        with self._server.feed(film, self._folder / f"janus_{number}.log"):
            session = janus.Session(self._server)
            host, port = session.address
            with ladder.behind(port, host=host) as relay:
                probe = Probe(browser.new_page(), self._server)
                probe.sample()
                session.start(probe.answer(session.offer, relay))
                yield ladder.Viewer(probe, relay)
                probe.close()

    def close(self):
        self._server.close()


SERVERS = {"egress": Egress, "janus": Janus}


def run(viewer):
    """What is seen at 1 Mbit/s, then at 6 Mbit/s again."""
    top, *_, lowest = ladder.heights()
    viewer.probe.wait_for_pictures(1)
    settled = ladder.settle(viewer, SETTLED)
    narrow = viewer.relay.set_rate(ladder.NARROW)
    ladder.settle(viewer, AT_NARROW)
    wide = viewer.relay.set_rate(ladder.WIDE)
    ladder.settle(viewer, AT_WIDE)
    end = time.time()
    return viewer.seen(settled, narrow, top), viewer.seen(narrow, wide, lowest), viewer.seen(wide, end, top)


def cells(seen):
    right = "never" if seen.right_after is None else f"{seen.right_after / 1000:.2f}"
    return [
        right, f"{seen.stall:.0f}", f"{seen.freezes}", f"{seen.freezes_ms / 1000:.2f}", f"{seen.concealed_ms:.0f}", f"{seen.dropped}",
        f"{seen.changes}",
    ]


def told(name, number, load, before, down, up):
    for phase, seen in (("6 Mbit/s", before), ("1 Mbit/s", down), ("6 Mbit/s again", up)):
        print(
            f"{name} {number}, {phase}: heights {seen.heights}, right after {seen.right_after}, {seen.pictures} pictures, longest stall"
            f" {seen.stall:.0f} ms, freezes {seen.freezes} of {seen.freezes_ms:.0f} ms; sound: {seen.concealed_ms:.0f} of {seen.samples_ms:.0f} ms"
            f" made up in {seen.concealments} places, longest without a packet {seen.sound_gap:.0f} ms; the link dropped {seen.dropped}, queue"
            f" {seen.queue_max} B at most"
        )
    print(f"load of the machine: {load:.2f}", flush=True)


def measure(name, folder, film, browser, runs):
    server = SERVERS[name](folder)
    rows = []
    try:
        for number in range(1, runs + 1):
            with server.viewer(browser, film, number) as viewer:
                before, down, up = run(viewer)
            told(server.name, number, os.getloadavg()[0], before, down, up)
            rows.append((before, down, up))
    finally:
        server.close()
    return server, rows


def table(server, rows):
    lines = [f"## {server.name}", "", server.about, "", "| " + " | ".join(COLUMNS) + " |", "|" + "---:|" * len(COLUMNS)]
    for number, (before, down, up) in enumerate(rows, 1):
        lines.append("| " + " | ".join([str(number), f"{before.heights[-1]}p", *cells(down), *cells(up)]) + " |")
    lines += ["", *(median(phase, [row[index] for row in rows]) for phase, index in (("At 1 Mbit/s", 1), ("At 6 Mbit/s again", 2)))]
    settled = [row[0] for row in rows]
    lines.append(
        f"- Before, at 6 Mbit/s for {SETTLED} s: longest stall {max(s.stall for s in settled):.0f} ms, {sum(s.freezes for s in settled)} freezes,"
        f" {sum(s.dropped for s in settled)} packets dropped by the link, of all runs together."
    )
    return "\n".join(lines)


def median(phase, seen):
    times = [s.right_after for s in seen if s.right_after is not None]
    after = f"{statistics.median(times) / 1000:.2f} s (at most {max(times) / 1000:.2f} s)" if times else "never"
    if times and len(times) < len(seen):
        after += f", in {len(times)} of {len(seen)} runs"
    stalls = [s.stall for s in seen]
    return (
        f"- {phase}: right rung after {after}; longest stall {statistics.median(stalls):.0f} ms in the median, {max(stalls):.0f} ms at most;"
        f" freezes {sum(s.freezes for s in seen)}; sound made up {statistics.median(s.concealed_ms for s in seen):.0f} ms in the median; longest"
        f" time without a packet of sound {max(s.sound_gap for s in seen):.0f} ms."
    )


def page(tables, load):
    rungs = ", ".join(f"{rung.width}x{rung.height} at {rung.bit_rate / 1e6:g} Mbit/s" for rung in media.LADDER)
    machine = f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, kernel {platform.release()}, {os.cpu_count()} cores, which decode too"
    machine += f"; load of the machine when it began: {load:.2f}"
    return "\n".join(
        [
            "# A ladder behind a link that gets narrow",
            "",
            f"What one viewer in Chromium sees of a ladder of three ({rungs};",
            "H.264, a key picture every 2 s, Opus at 96 kbit/s) while its link",
            f"goes from 6 to 1 Mbit/s for {AT_NARROW} s, then back to 6 Mbit/s for {AT_WIDE} s. The link has a queue of 64 KiB and takes 20 ms each",
            "way. `make ladder-table` makes this page anew. The right rung is the lowest at 1 Mbit/s and the highest at 6 Mbit/s: the time is that",
            "from the change of the link until the first picture from which on all have its size. A stall is the longest time between two pictures",
            "shown, and to the end; freezes are as `getStats` counts them, which it does when they end; made up is sound that the browser had to",
            "conceal. One step up takes 10 s without a queue by itself. A viewer may have lost the highest rung to its join",
            "10 s before, and begins with another one then.",
            "",
            machine + ".",
            "",
            "\n\n".join(tables),
            "",
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", action="append", choices=SERVERS, help="which to measure; all of them unless one is named")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", type=Path, help="the page, in Markdown")
    options = parser.parse_args()
    folder = Path(os.environ.get("EGRESS_E2E_ARTIFACTS") or tempfile.mkdtemp(prefix="egress-ladder-"))
    load = os.getloadavg()[0]
    film = media.Library(folder).ladder(media.LADDER, FILM_SECONDS)
    with chromium.launched() as browser:
        tables = [table(*measure(name, folder, film, browser, options.runs)) for name in options.server or SERVERS]
    text = page(tables, load)
    print(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
