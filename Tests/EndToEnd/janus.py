"""Janus, whose streaming plugin has renditions of one stream too: for comparisons. No test needs it."""

import itertools
import json
import re
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import rtp
from client import request
from waiting import PATIENCE, eventually

PROGRAM = "/usr/bin/janus"
PARTS = Path("/usr/lib/x86_64-linux-gnu/janus")

GENERAL = """
general: {{
  plugins_folder = "{folder}/plugins"
  transports_folder = "{folder}/transports"
  interface = "127.0.0.1"
  session_timeout = 0
}}
media: {{ rtp_port_range = "40000-59999" }}
"""
HTTP = """
general: {{ json = "compact", base_path = "/janus", http = true, port = {port}, ip = "127.0.0.1", https = false }}
"""
# Its first substream is the lowest.
STREAMING = """
ladder: {{
  type = "rtp", id = 1, audio = true, video = true,
  audioport = {audio}, audiopt = 111, audiocodec = "opus",
  videoport = {videos[2]}, videoport2 = {videos[1]}, videoport3 = {videos[0]},
  videopt = 102, videocodec = "h264", videofmtp = "profile-level-id=42e01f;packetization-mode=1", videosimulcast = true
}}
"""


def free_ports(count, kind):
    with ExitStack() as held:
        ends = [held.enter_context(socket.socket(socket.AF_INET, kind)) for _ in range(count)]
        for end in ends:
            end.bind(("127.0.0.1", 0))
        return [end.getsockname()[1] for end in ends]


class Janus:
    """Runs until the `with` block ends."""

    def __init__(self, log_path):
        self._folder = Path(tempfile.mkdtemp(prefix="janus-"))
        for part in ("plugins/libjanus_streaming.so", "transports/libjanus_http.so"):
            (self._folder / part).parent.mkdir()
            (self._folder / part).symlink_to(PARTS / part)
        [self._http] = free_ports(1, socket.SOCK_STREAM)
        *videos, audio = free_ports(4, socket.SOCK_DGRAM)
        self._outputs = [self._video(index, port) for index, port in enumerate(videos)] + [self._audio(audio)]
        self._configure("janus.jcfg", GENERAL, folder=self._folder)
        self._configure("janus.transport.http.jcfg", HTTP, port=self._http)
        self._configure("janus.plugin.streaming.jcfg", STREAMING, audio=audio, videos=videos)
        self._log = open(log_path, "wb")
        self._process = subprocess.Popen(
            [PROGRAM, "--config", self._folder / "janus.jcfg", "--configs-folder", self._folder],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        eventually(self._answers, "Janus answers")

    def _configure(self, name, text, **values):
        (self._folder / name).write_text(text.format(**values))

    @staticmethod
    def _video(index, port):
        options = ["-map", f"0:v:{index}", "-c:v", "copy", "-bsf:v", "h264_mp4toannexb", "-payload_type", "102", "-f", "rtp"]
        return {"options": options, "address": f"rtp://127.0.0.1:{port}?pkt_size=1200"}

    @staticmethod
    def _audio(port):
        options = ["-map", "0:a:0", "-c:a", "libopus", "-ar", "48000", "-ac", "2", "-b:a", "96k", "-application", "lowdelay"]
        options += ["-frame_duration", "20", "-payload_type", "111", "-f", "rtp"]
        return {"options": options, "address": f"rtp://127.0.0.1:{port}?pkt_size=1200"}

    def _answers(self):
        try:
            return request("GET", self.url("/janus/info")).status == 200
        except OSError:
            assert self._process.poll() is None, "Janus has ended"
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._log.close()
        shutil.rmtree(self._folder)

    def url(self, path):
        return f"http://127.0.0.1:{self._http}{path}"

    def feed(self, film, log_path):
        return rtp.FFmpeg.feeding(self._outputs, log_path, ["-re", "-i", str(film)])


class Session:
    """A viewer at Janus. It makes the offer, from which the address is read that a relay leads to."""

    _numbers = itertools.count(1)

    def __init__(self, janus):
        self._janus = janus
        self._session = self._ask("/janus", "create")["data"]["id"]
        self._path = f"/janus/{self._session}"
        self._path += f"/{self._ask(self._path, 'attach', plugin='janus.plugin.streaming')['data']['id']}"
        self._ask(self._path, "message", body={"request": "watch", "id": 1})
        self.offer = eventually(self._offered, "an offer of Janus's")
        host, port = re.search(r"^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", self.offer, re.M).groups()
        self.address = host, int(port)

    def _ask(self, path, janus, **values):
        body = json.dumps({"janus": janus, "transaction": str(next(self._numbers)), **values})
        answer = request("POST", self._janus.url(path), body, "application/json").json
        assert answer["janus"] in ("success", "ack"), answer
        return answer

    def _offered(self):
        events = request("GET", self._janus.url(f"/janus/{self._session}?maxev=10")).json
        return next((event["jsep"]["sdp"] for event in events if "jsep" in event), None)

    def start(self, answer):
        self._ask(self._path, "message", body={"request": "start"}, jsep={"type": "answer", "sdp": answer})
        self._ask(self._path, "trickle", candidate={"completed": True})
