"""Media files, made by FFmpeg when the first test asks for them."""

import json
import subprocess


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
        options = ["-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "baseline", "-g", "30", "-b:v", "300k"]
        return self._make("small.mp4", size="320x180", seconds=60, rate=15, video=options)

    def _make(self, name, size, seconds, video, rate=30):
        path = self._folder / name
        if path.exists():
            return path
        command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}"]
        command += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-c:a", "aac", "-b:a", "96k"]
        command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", *video, "-t", str(seconds), "-f", "mp4"]
        # Under another name until it is whole: a test that was interrupted leaves no half file behind.
        unfinished = path.with_suffix(".part")
        subprocess.run([*command, "-y", unfinished], check=True, timeout=120, stdin=subprocess.DEVNULL)
        return unfinished.rename(path)


def video_of(path):
    """ffprobe's description of the video in a file."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v:0", "-show_streams", path]
    result = subprocess.run(command, check=True, timeout=60, capture_output=True)
    return json.loads(result.stdout)["streams"][0]
