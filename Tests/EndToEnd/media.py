"""Media files, made by FFmpeg when the first test asks for them."""

import json
import subprocess
from typing import NamedTuple

import imageio_ffmpeg
import numpy

# Brings AV1 over RTP, which Debian's has not.
NEW_FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

# What probe.html reads: bits of the picture's number in blocks at the lower left, a row of their inverse below; and where the flash is.
BITS = 12
BLOCK = 32
FLASH_SIZE = 96

RATE = 30


class Lengths(NamedTuple):
    """In pictures; `gop` is that of the large ones."""

    large: int
    gop: int
    small: int


TWO_SIZES = Lengths(large=180, gop=90, small=240)


class Rung(NamedTuple):
    """One rendition of a film: its size in pixels, its bit rate in bit/s."""

    rid: str
    width: int
    height: int
    bit_rate: int


LADDER = (Rung("high", 1280, 720, 4_500_000), Rung("middle", 960, 540, 2_000_000), Rung("low", 640, 360, 600_000))
# As many bits in pictures that are small, for tests: they cost less to decode.
SMALL_LADDER = tuple(rung._replace(width=rung.width // 2, height=rung.height // 2) for rung in LADDER)
LADDER_GOP = 60

# For films that are sent as they are: no B-frames, and key pictures where they are asked for.
_VPX = ["-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0", "-error-resilient", "1"]
_X265 = "keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:open-gop=0:repeat-headers=1:info=0:log-level=none"
ENCODERS = {
    "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-sc_threshold", "0", "-g", "{gop}"],
    "h265": ["-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-x265-params", _X265],
    # Several threads of it wait for each other by spinning, which costs half a minute on a busy machine.
    "vp8": ["-c:v", "libvpx", *_VPX, "-threads", "1", "-g", "{gop}", "-keyint_min", "{gop}"],
    "vp9": ["-c:v", "libvpx-vp9", *_VPX, "-g", "{gop}", "-keyint_min", "{gop}"],
    "av1": ["-c:v", "libsvtav1", "-preset", "8", "-svtav1-params", "pred-struct=1:rc=2:lookahead=0:keyint={gop}"],
}
# MPEG-TS keeps parameter sets in band, where they may change.
FORMATS = {"h264": "mpegts", "h265": "mpegts", "vp8": "matroska", "vp9": "matroska", "av1": "matroska"}


class Library:
    def __init__(self, folder):
        self._folder = folder

    def with_b_frames(self):
        """What a camera app makes: B-frames, AAC sound."""
        return self._make(
            "b_frames.mp4", size="640x360", seconds=6, video=["-preset", "veryfast", "-bf", "2", "-g", "60"]
        )

    def copyable(self):
        """1080p, High profile, no B-frames, a keyframe every 2 s."""
        options = ["-preset", "veryfast", "-profile:v", "high", "-bf", "0", "-g", "60", "-b:v", "3M"]
        return self._make("high_1080p.mp4", size="1920x1080", seconds=6, video=options)

    def with_long_gop(self):
        """Half a minute with a keyframe every 10 s and none in between."""
        options = ["-preset", "veryfast", "-tune", "zerolatency", "-g", "300", "-sc_threshold", "0", "-b:v", "1500k"]
        return self._make("long_gop.mp4", size="640x360", seconds=30, video=options)

    def moving_720p(self):
        """25 pictures a second, and a key picture only every 4 s."""
        options = ["-preset", "ultrafast", "-tune", "zerolatency", "-g", "100", "-sc_threshold", "0", "-b:v", "4M"]
        return self._make("moving_720p.mp4", size="1280x720", seconds=20, rate=25, video=options, picture=["noise=alls=12:allf=t"])

    def small(self):
        """For tests that want many viewers or little load, and end within a minute."""
        return self._small("small.mp4", 60)

    def long(self):
        """The same for three minutes: for files of tests that take longer on a busy machine."""
        return self._small("long.mp4", 180)

    def _small(self, name, seconds):
        options = ["-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "baseline", "-g", "30", "-b:v", "300k"]
        return self._make(name, size="320x180", seconds=seconds, rate=15, video=options)

    def with_large_idrs(self):
        """IDRs of 1.5 MB, every 2 s: noise that stands still behind a moving pattern. 15 pictures a second, for busy machines."""
        options = ["-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-g", "30", "-sc_threshold", "0"]
        options += ["-x264-params", "crf=24:ipratio=4"]
        noise = "noise=alls=100:all_seed=7"
        return self._make("large_idrs.mp4", size="1280x720", seconds=20, rate=15, video=options, picture=[noise])

    def numbered(self, gop_seconds, seconds=60):
        """Each picture carries its number; a flash and a beep come together in the first tenth of each second. 2.5 Mbit/s, like a real one.

        Sound is kept as it is, so that no encoder's delay stands between the flash and the beep.
        """
        options = ["-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-g", str(gop_seconds * 30)]
        options += ["-sc_threshold", "0", "-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "2500k"]
        beep = "aevalsrc=exprs='0.3*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':channel_layout=mono:sample_rate=48000"
        return self._make(
            f"numbered_{gop_seconds}.mkv",
            size="640x360",
            seconds=seconds,
            video=options,
            picture=["noise=alls=12:allf=t", *_number(), *_flash()],
            sound=beep,
            audio=["-c:a", "pcm_s16le"],
            container="matroska",
        )

    def ladder(self, rungs, seconds):
        """A film in several renditions, the first one first, whose key pictures are at the same times, and sound that never pauses.

        Its noise is what has each rendition reach its bit rate: a link is as busy as it says. No key picture fills a queue of 64 KiB at once.
        """
        path = self._folder / f"ladder_{rungs[0].width}_{seconds}.ts"
        if path.exists():
            return path
        labels = "".join(f"[in{index}]" for index in range(len(rungs)))
        chains = [
            f"[in{index}]scale={rung.width}:{rung.height},noise=alls=24:allf=t,format=yuv420p[out{index}]" for index, rung in enumerate(rungs)
        ]
        graph = f"testsrc2=size={rungs[0].width}x{rungs[0].height}:rate={RATE},split={len(rungs)}{labels};" + ";".join(chains)
        command = ["ffmpeg", "-filter_complex", graph, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
        for index, rung in enumerate(rungs):
            command += ["-map", f"[out{index}]"]
            command += [f"-b:v:{index}", rung.bit_rate, f"-maxrate:v:{index}", rung.bit_rate, f"-bufsize:v:{index}", rung.bit_rate // 4]
        command += ["-map", "0:a", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline"]
        command += ["-g", LADDER_GOP, "-sc_threshold", "0", "-c:a", "aac", "-b:a", "96k", "-t", seconds, "-f", "mpegts"]
        unfinished = path.with_suffix(".part")
        _run([*map(str, command), "-y", unfinished])
        return unfinished.rename(path)

    def in_two_sizes(self, codec):
        """Numbered pictures of one codec, as TWO_SIZES says: large ones of 640x360 in GOPs, then small ones of 480x320 in one, of a packet each."""
        container = FORMATS[codec]
        path = self._folder / f"{codec}.{container}"
        if path.exists():
            return path
        count, rest = TWO_SIZES.large, TWO_SIZES.small
        noisy, plain = f"testsrc2=size=640x360:rate={RATE},noise=alls=12:allf=t", f"color=size=480x320:rate={RATE}"
        large = self._part(path.with_suffix(".large"), codec, ",".join([noisy, *_number()]), count, TWO_SIZES.gop, "1200k")
        small = self._part(path.with_suffix(".small"), codec, ",".join([plain, *_number(count)]), rest, rest, "90k")
        parts = path.with_suffix(".txt")
        parts.write_text(f"file '{large}'\nfile '{small}'\n")
        unfinished = path.with_suffix(".part")
        _run([NEW_FFMPEG, "-f", "concat", "-safe", "0", "-i", parts, "-c", "copy", "-f", container, "-y", unfinished])
        return unfinished.rename(path)

    def _part(self, path, codec, graph, count, gop, bit_rate):
        encoder = [option.format(gop=gop) for option in ENCODERS[codec]]
        # That of AV1 takes no other bound.
        bound = [] if codec == "av1" else ["-maxrate", bit_rate, "-bufsize", bit_rate]
        command = [NEW_FFMPEG, "-f", "lavfi", "-i", graph, "-frames:v", str(count), "-pix_fmt", "yuv420p", *encoder, "-b:v", bit_rate, *bound]
        _run([*command, "-f", FORMATS[codec], "-y", path])
        return path

    def _make(self, name, size, seconds, video, rate=30, picture=(), sound=None, audio=("-c:a", "aac", "-b:a", "96k"), container="mp4"):
        path = self._folder / name
        if path.exists():
            return path
        graph = ",".join([f"testsrc2=size={size}:rate={rate}", *picture])
        command = ["ffmpeg", "-f", "lavfi", "-i", graph]
        command += ["-f", "lavfi", "-i", sound or "sine=frequency=440:sample_rate=48000", *audio]
        command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", *video, "-t", str(seconds), "-f", container]
        # Under another name until it is whole: a test that was interrupted leaves no half file behind.
        unfinished = path.with_suffix(".part")
        _run([*command, "-y", unfinished])
        return unfinished.rename(path)


def _run(command):
    subprocess.run([*command[:1], "-nostdin", "-v", "error", *command[1:]], check=True, timeout=180, stdin=subprocess.DEVNULL)


def _number(first=0):
    """Filters that draw a picture's number."""
    row = f"x=0:w={BITS * BLOCK}:h={BLOCK}:t=fill"
    yield f"drawbox=y=ih-{2 * BLOCK}:color=black:{row}"
    yield f"drawbox=y=ih-{BLOCK}:color=white:{row}"
    for bit in range(BITS):
        box = f"x={bit * BLOCK}:w={BLOCK}:h={BLOCK}:t=fill:enable='bitand(n+{first},{1 << bit})'"
        yield f"drawbox=y=ih-{2 * BLOCK}:color=white:{box}"
        yield f"drawbox=y=ih-{BLOCK}:color=black:{box}"


def _flash():
    box = f"x=iw-{FLASH_SIZE}:y=0:w={FLASH_SIZE}:h={FLASH_SIZE}:t=fill"
    return f"drawbox=color=black:{box}", f"drawbox=color=white:{box}:enable='lt(mod(t,1),0.1)'"


def number_of(frame):
    """The number that a decoded frame carries; None: it is damaged."""
    luma = frame.to_ndarray(format="gray")
    middles = [bit * BLOCK + BLOCK // 2 for bit in range(BITS)]
    ones, zeros = (luma[frame.height - distance, middles] > 127 for distance in (3 * BLOCK // 2, BLOCK // 2))
    return sum(1 << bit for bit in range(BITS) if ones[bit]) if numpy.all(ones != zeros) else None


def video_of(path):
    """ffprobe's description of the video in a file."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v:0", "-show_streams", path]
    result = subprocess.run(command, check=True, timeout=60, capture_output=True)
    return json.loads(result.stdout)["streams"][0]
