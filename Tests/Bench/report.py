"""Writes RESULTS.md and plot.svg from results.json, which `make bench RESULTS=1` has left beside this file.

Other files of the same form may be named instead: their rows are put together, so that a long run can be made in pieces. Of a shape that is
in several, the last one counts.
"""

import json
import math
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PLOTTED = re.compile(r"fanout_1x(\d+)$")

HEAD = """# Results of the bench

The last run on one machine; `make bench RESULTS=1` makes this page anew. Compare ratios, not absolute figures: a reference is measured in
the same run as what stands beside it, and a ratio is the median of the rounds' ratios. `Tests/Bench/score.h` says what CPU, wall time and
latency are of, `shape_*.c` what each shape does. Where the load of one core nears 100 %, or the engine was ready and had no processor for
more than a few per cent of the time, latencies are those of an overload, or of what else the machine did.

"""

OVERVIEW = [  # heading, the row's beginning, what of it
    ("CPU, µs a packet", "cpu (", "value"),
    ("bare", "bare (", "value"),
    ("ratio", "cpu (", "ratio"),
    ("ratio at the media's pace", "cpu beside bare", "ratio"),
    ("wall time of a picture, ratio", "wall time of a picture", "ratio"),
    ("load of one core, %", "load of one core", "value"),
    ("p50, ms", "latency p50", "value"),
    ("p99, ms", "latency p99", "value"),
    ("system calls per 1,000", "system calls", "value"),
    ("KiB a viewer", "memory", "value"),
    ("lost", "lost", "value"),
]


def load(paths):
    shapes, machine = {}, None
    for path in paths:
        document = json.loads(pathlib.Path(path).read_text())
        machine = machine or document["machine"]
        rows = {}
        for row in document["results"]:
            rows.setdefault(row["shape"], []).append(row)
        shapes.update(rows)
    return machine, shapes


def number(value):
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}"


def table_of(rows):
    lines = ["| what | value | unit | reference | ratio |", "|---|---:|---|---:|---:|"]
    for row in rows:
        reference = number(row["reference"]) if "reference" in row else ""
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        lines.append(f"| {row['quantity']} | {number(row['value'])} | {row['unit']} | {reference} | {ratio} |")
    return "\n".join(lines)


def find(rows, beginning, key="value"):
    """Of the row of that name, or else of the first that begins so."""
    for is_same in (str.__eq__, str.startswith):
        for row in rows:
            if is_same(row["quantity"], beginning):
                return row.get(key)
    return None


def overview(shapes):
    """Of the shapes whose viewers all watch from beginning to end."""
    lines = ["| shape | " + " | ".join(heading for heading, _, _ in OVERVIEW) + " |", "|---|" + "---:|" * len(OVERVIEW)]
    for name, rows in shapes.items():
        if find(rows, "bare (") is None:
            continue
        cells = []
        for heading, beginning, key in OVERVIEW:
            value = find(rows, beginning, key)
            if value is not None and heading.endswith("ms"):
                value /= 1000
            cells.append("" if value is None else f"{value:.2f}" if key == "ratio" else number(value))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cost_per_packet(shapes, name):
    return find(shapes.get(name, []), "cpu (")


def aims(shapes):
    """What the design asks for, and what was measured for it: (what, aim, where, value)."""

    def of(shape, beginning, key="value", scale=1):
        value = find(shapes.get(shape, []), beginning, key)
        return None if value is None else value * scale

    one, two = cost_per_packet(shapes, "fanout_1x500"), cost_per_packet(shapes, "fanout_1x500_workers2")
    yield "CPU a packet beside bare crypto and sends at full speed, 500 viewers", "1.25", "fanout_1x500", of("fanout_1x500", "cpu (", "ratio")
    yield "the same at the media's pace", "1.25", "fanout_1x500", of("fanout_1x500", "cpu beside bare", "ratio")
    yield "memory of a viewer, everything included, KiB", "24", "fanout_1x3000_video", of("fanout_1x3000_video", "memory")
    yield "latency, 1 viewer, p50, µs", "150", "fanout_1x1", of("fanout_1x1", "latency p50")
    yield "latency, 200 viewers, p50, ms (a fifth of Pion's 6.8)", "1.36", "fanout_1x200", of("fanout_1x200", "latency p50", scale=1e-3)
    yield "the same, p99, ms (a fifth of Pion's 93)", "18.6", "fanout_1x200", of("fanout_1x200", "latency p99", scale=1e-3)
    yield "first packet after a handshake, GOP of 10 s, p99, ms", "50", "late_join", of("late_join", "GOP of 10 s: first packet p99", scale=1e-3)
    yield "lost of 3,000 viewers of video on one core", "0", "fanout_1x3000_video", of("fanout_1x3000_video", "lost")
    yield "the same, readers that take GSO whole", "0", "fanout_1x3000_video_unsplit", of("fanout_1x3000_video_unsplit", "lost")
    yield "lost of 2,300 viewers with sound on one core", "0", "fanout_1x2300", of("fanout_1x2300", "lost")
    yield "joins a second that one core could take (at least)", "500", "join_rate", of("join_rate", "joins that one core could take")
    yield "lost by those who watch meanwhile", "0", "join_rate", of("join_rate", "lost beside joins")
    yield "their p50 beside that without joins", "", "join_rate", of("join_rate", "latency p50 beside joins", "ratio")
    yield "two workers' CPU a packet beside one's", "1.11", "fanout_1x500_workers2", two / one if one and two else None
    yield "CPU a packet of a stream in 3 encodings beside three streams", "1.05", "encodings_3x500", of("encodings_3x500", "cpu, enc", "ratio")
    yield "CPU a packet with a ladder and feedback beside neither", "1.12", "ladder_3x500", of("ladder_3x500", "cpu, ladder", "ratio")
    yield "memory of a viewer with a ladder, KiB", "24", "ladder_3x500", of("ladder_3x500", "memory")
    yield "receiver, io_uring, 200 streams, beside the best bare loop", "1.25", "receive_flood", of("receive_flood", "receiver, io_uring", "ratio")
    yield "the same, the whole engine", "", "receive_flood", of("receive_flood", "engine without viewers, io_uring", "ratio")


def aims_table(shapes):
    lines = ["| what | aim, at most | measured | shape |", "|---|---:|---:|---|"]
    for what, aim, shape, value in aims(shapes):
        if value is not None:
            lines.append(f"| {what} | {aim} | {number(value)} | {shape} |")
    return "\n".join(lines)


def curves(shapes):
    """By number of viewers: cost, its bare reference, median and 99th percentile of latency."""
    points = []
    for name, rows in shapes.items():
        match = PLOTTED.match(name)
        if match and int(match[1]) >= 10:
            cost = [find(rows, "cpu ("), find(rows, "bare ("), find(rows, "latency p50"), find(rows, "latency p99")]
            if all(value for value in cost):
                points.append((int(match[1]), *cost))
    return sorted(points)


class Chart:
    """One panel: viewers on a logarithmic axis, and one quantity."""

    WIDTH, HEIGHT = 360, 240

    def __init__(self, left, title, low, high, is_logarithmic, ticks):
        self.left, self.title, self.ticks, self.is_logarithmic = left, title, ticks, is_logarithmic
        self.low, self.high = low, high

    def x(self, viewers):
        return self.left + self.WIDTH * math.log(viewers / 8) / math.log(4000 / 8)

    def y(self, value):
        value = min(max(value, self.low), self.high)
        if self.is_logarithmic:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return 40 + self.HEIGHT * (1 - part)

    def frame(self, viewers):
        yield f'<text x="{self.left}" y="24" class="title">{self.title}</text>'
        for tick in self.ticks:
            y = self.y(tick)
            yield f'<line x1="{self.left}" y1="{y:.1f}" x2="{self.left + self.WIDTH}" y2="{y:.1f}" class="grid"/>'
            yield f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        for count in viewers:
            yield f'<text x="{self.x(count):.1f}" y="{self.HEIGHT + 58}" text-anchor="middle">{count:,}</text>'
        yield f'<text x="{self.left + self.WIDTH / 2}" y="{self.HEIGHT + 78}" text-anchor="middle">viewers of one stream</text>'

    def curve(self, points, colour, label):
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y in points:
            yield f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" fill="{colour}"/>'
        x, y = points[0]
        yield f'<text x="{self.x(x) + 4:.1f}" y="{self.y(y) - 8:.1f}" fill="{colour}">{label}</text>'


def plot(points):
    viewers = [point[0] for point in points]
    cost_top = max(2, math.ceil(max(max(point[1:3]) for point in points)))
    cost_step = max(1, cost_top // 6)
    latencies = [value / 1000 for point in points for value in point[3:5]]
    low, high = 10 ** math.floor(math.log10(min(latencies))), 10 ** math.ceil(math.log10(max(latencies)))
    decades = [10.0**power for power in range(round(math.log10(low)), round(math.log10(high)) + 1)]
    cost = Chart(50, "CPU per delivered packet, µs", 0, cost_top, False, range(0, cost_top + 1, cost_step))
    latency = Chart(490, "latency, packet in to packet out, ms", low, high, True, decades)
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 330" font-family="sans-serif" font-size="12">',
             "<style>.grid{stroke:#ddd}.title{font-size:14px;font-weight:bold}</style>", '<rect width="880" height="330" fill="#fff"/>']
    for chart in (cost, latency):
        parts += chart.frame(viewers)
    parts += cost.curve([(point[0], point[1]) for point in points], "#1565c0", "engine")
    parts += cost.curve([(point[0], point[2]) for point in points], "#999", "bare, at full speed")
    parts += latency.curve([(point[0], point[3] / 1000) for point in points], "#1565c0", "p50")
    parts += latency.curve([(point[0], point[4] / 1000) for point in points], "#c62828", "p99")
    return "\n".join(parts + ["</svg>"]) + "\n"


def page(machine, shapes, has_plot):
    parts = [HEAD, f"{machine['date']}, kernel {machine['kernel']}, {machine['cpu']} ({machine['cores']} cores), "
             f"liburing {machine['liburing']}, {machine['openssl']}, ipsec-mb {machine['ipsec_mb']}. Load of the machine when it began: "
             f"{machine['load']}.\n"]
    if has_plot:
        parts.append("\n![cost and latency against viewers](plot.svg)\n")
    parts.append(f"\n## Beside what was aimed at\n\n{aims_table(shapes)}\n")
    parts.append(f"\n## At a glance\n\n{overview(shapes)}\n")
    for name, rows in shapes.items():
        parts.append(f"\n## {name}\n\n{table_of(rows)}\n")
    return "".join(parts)


def main():
    machine, shapes = load(sys.argv[1:] or [HERE / "results.json"])
    points = curves(shapes)
    if len(points) > 1:
        (HERE / "plot.svg").write_text(plot(points))
    (HERE / "RESULTS.md").write_text(page(machine, shapes, len(points) > 1))
    if sys.argv[1:]:
        rows = [row for rows in shapes.values() for row in rows]
        (HERE / "results.json").write_text(json.dumps({"machine": machine, "results": rows}, indent=1) + "\n")


main()
