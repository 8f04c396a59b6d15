"""The server `egress`, run as a child and watched through its log and its HTTP interface."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import uuid
from pathlib import Path

from client import request
from waiting import PATIENCE, eventually

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = REPOSITORY / os.environ.get("EGRESS_BIN", ".build/debug/egress")

# SIGTERM lets viewers go elsewhere for 2 s; FFmpeg gets 2 s to end before it is killed, all services together 5 s.
STOP_MAX = 15.0

# What of a log is shown with a failure, in characters.
LOG_TAIL = 12_000


class Server:
    """A running server. Its ports are the system's choice and are read from its log, so no two runs can meet on one."""

    running = []

    def __init__(self, log_path, *arguments):
        # Children inherit it: whoever still carries it after the server has ended was left behind.
        self.mark = f"EGRESS_E2E_MARK={uuid.uuid4()}"
        name, value = self.mark.split("=")
        self.log_path = log_path
        self.ports = None
        # What its API asks for, and what to trust where it speaks TLS.
        self.api_token = None
        self.context = None
        self.scheme = "http"
        self._lines = []
        self._changed = threading.Condition(threading.RLock())
        self._process = subprocess.Popen(
            [BINARY, *arguments],
            cwd=REPOSITORY,
            env=os.environ | {name: value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        Server.running.append(self)

    @classmethod
    def start(cls, log_path, command, *arguments, api_token=None, context=None):
        """`egress serve` or `egress demo`, up and answering."""
        # A test that names its back end itself keeps it.
        back_end = [] if "--io" in arguments else ["--io", os.environ.get("EGRESS_E2E_IO", "auto")]
        server = cls(log_path, command, "--http", "127.0.0.1:0", "--udp-port", "0", *back_end, *arguments)
        server.api_token, server.context = api_token, context
        try:
            udp = server.wait_for_log(r"\budp_port=(\d+).*engine is running")
            http = server.wait_for_log(r"\baddress=127\.0\.0\.1:(\d+) tls=(\w+).*HTTP is served")
            server.ports = {"udp": int(udp[1]), "http": int(http[1])}
            server.scheme = "https" if http[2] == "true" else "http"
            assert server.get("/healthz").status == 200
        except BaseException:
            server.kill()
            raise
        return server

    # Its log.

    def _read(self):
        with open(self.log_path, "w", encoding="utf-8") as log:
            for line in self._process.stdout:
                log.write(line)
                log.flush()
                with self._changed:
                    self._lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def log(self):
        with self._changed:
            return "\n".join(self._lines)

    def _said(self, problem):
        """For failures that come when the server is not running any more, and no report shows its log."""
        return f"{problem}; the end of {self.log_path}:\n{self.log[-LOG_TAIL:]}"

    def wait_for_log(self, pattern, within=PATIENCE):
        """The match in the first line that has one."""
        deadline = time.monotonic() + within
        seen = 0
        with self._changed:
            while True:
                for line in self._lines[seen:]:
                    if match := re.search(pattern, line):
                        return match
                seen = len(self._lines)
                has_ended = not self._reader.is_alive()
                remaining = deadline - time.monotonic()
                if has_ended or remaining <= 0:
                    raise AssertionError(self._said(f"{'ended without' if has_ended else 'not in time'}: {pattern!r} in the log"))
                self._changed.wait(min(remaining, 1.0))

    # Its HTTP interface.

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.ports['http']}{path}"

    def request(self, method, path, body=None, content_type=None, **options):
        """With the token of the API, unless another one is given; `token=None` is none."""
        options = {"token": self.api_token, "context": self.context} | options
        return request(method, self.url(path), body, content_type, **options)

    def get(self, path):
        return self.request("GET", path)

    def put_stream(self, stream, webrtc=None):
        body = b"" if webrtc is None else json.dumps(webrtc)
        return self.request("PUT", f"/api/v1/streams/{stream}", body, "application/json")

    def delete_stream(self, stream):
        return self.request("DELETE", f"/api/v1/streams/{stream}")

    def post_offer(self, stream, offer, content_type="application/sdp", **options):
        return self.request("POST", f"/whep/{stream}", offer, content_type, **options)

    def stream(self, stream):
        """As the API shows it; None when there is none."""
        response = self.get(f"/api/v1/streams/{stream}")
        return response.json if response.status == 200 else None

    def wait_for_stream(self, stream, condition, what, within=PATIENCE):
        def check():
            status = self.stream(stream)
            return status if status and condition(status) else None

        return eventually(check, f"{stream}: {what}", within)

    def wait_until_playable(self, stream, within=PATIENCE):
        """Media flows, and what it is is known."""
        return self.wait_for_stream(stream, lambda s: s["state"] == "active" and s.get("format"), "active with a known format", within)

    def wait_until_all_play(self, stream, within=PATIENCE):
        """The same of each of its encodings."""

        def play(encodings):
            return encodings and all(encoding["active"] and encoding.get("format") for encoding in encodings)

        return self.wait_for_stream(stream, lambda s: play(s.get("encodings")), "all encodings active with a known format", within)

    def metric(self, name, **labels):
        """The sum of a family's samples that carry these labels."""
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if match and match[1] == name:
                found = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                if labels.items() <= found.items():
                    total += float(match[3])
        return total

    # Its processes.

    def processes(self, name=None):
        """Process identifiers of the server and of all that it has started."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                is_ours = self.mark.encode() in (entry / "environ").read_bytes().split(b"\0")
                comm = (entry / "comm").read_text().strip()
            except OSError:
                continue
            if is_ours and name in (None, comm):
                found.append(int(entry.name))
        return found

    def begin_stop(self):
        """SIGTERM, as a service manager sends it."""
        self._process.send_signal(signal.SIGTERM)

    def interrupt(self):
        """SIGINT, as Ctrl-C sends it."""
        self._process.send_signal(signal.SIGINT)

    def stop(self):
        self.begin_stop()
        self.wait_for_end()
        assert self._process.returncode == 0, self._said(f"exit status {self._process.returncode} after SIGTERM")

    def wait_for_end(self, within=STOP_MAX):
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(self._said(f"the server had not ended after {within:g} s")) from None
        Server.running.remove(self)
        # The guard beside each FFmpeg may take a moment to read that there is nothing left to guard.
        eventually(lambda: not self.processes(), "no process left behind", within=3)
        self._reader.join(5)
        return self._process.returncode

    @property
    def is_running(self):
        return self in Server.running

    def reload(self):
        """SIGHUP, which has it read its certificate again."""
        self._process.send_signal(signal.SIGHUP)

    def kill_alone(self):
        """What happens when memory runs out: the server is gone, and could not tidy up."""
        self._process.kill()
        self._process.wait()
        Server.running.remove(self)

    def kill(self):
        """For a server that a test has given up on: it and everything it started."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._process.wait()
        if self.is_running:
            Server.running.remove(self)
