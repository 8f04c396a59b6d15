"""Media files, made by FFmpeg when the first test asks for them."""

import json
import subprocess

# What probe.html reads: bits of the picture's number in blocks at the lower left, a row of their inverse below; and where the flash is.
BITS = 12
BLOCK = 32
FLASH_SIZE = 96


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

    def _make(self, name, size, seconds, video, rate=30, picture=(), sound=None, audio=("-c:a", "aac", "-b:a", "96k"), container="mp4"):
        path = self._folder / name
        if path.exists():
            return path
        graph = ",".join([f"testsrc2=size={size}:rate={rate}", *picture])
        command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", graph]
        command += ["-f", "lavfi", "-i", sound or "sine=frequency=440:sample_rate=48000", *audio]
        command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", *video, "-t", str(seconds), "-f", container]
        # Under another name until it is whole: a test that was interrupted leaves no half file behind.
        unfinished = path.with_suffix(".part")
        subprocess.run([*command, "-y", unfinished], check=True, timeout=120, stdin=subprocess.DEVNULL)
        return unfinished.rename(path)


def _number():
    """Filters that draw a picture's number."""
    row = f"x=0:w={BITS * BLOCK}:h={BLOCK}:t=fill"
    yield f"drawbox=y=ih-{2 * BLOCK}:color=black:{row}"
    yield f"drawbox=y=ih-{BLOCK}:color=white:{row}"
    for bit in range(BITS):
        box = f"x={bit * BLOCK}:w={BLOCK}:h={BLOCK}:t=fill:enable='bitand(n,{1 << bit})'"
        yield f"drawbox=y=ih-{2 * BLOCK}:color=white:{box}"
        yield f"drawbox=y=ih-{BLOCK}:color=black:{box}"


def _flash():
    box = f"x=iw-{FLASH_SIZE}:y=0:w={FLASH_SIZE}:h={FLASH_SIZE}:t=fill"
    return f"drawbox=color=black:{box}", f"drawbox=color=white:{box}:enable='lt(mod(t,1),0.1)'"


def video_of(path):
    """ffprobe's description of the video in a file."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v:0", "-show_streams", path]
    result = subprocess.run(command, check=True, timeout=60, capture_output=True)
    return json.loads(result.stdout)["streams"][0]
