"""Inputs that wait for somebody to send: who publishes first goes live and stays, a wrong key is refused, and one who leaves may come again."""

import json
import socket
import subprocess
from pathlib import Path

import pytest
from waiting import eventually


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_until_listening(port):
    # Not by a connection, which would take the publisher's place.
    def is_listening():
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)

    eventually(is_listening, f"somebody listens at {port}")


class Publisher:
    """An FFmpeg that sends a film in real time."""

    def __init__(self, film, container, address):
        command = ["ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", film, "-c", "copy", "-f", container, address]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    @property
    def is_sending(self):
        return self._process.poll() is None


@pytest.fixture
def listen(start_egress, tmp_path):
    def start(url, *options):
        path = tmp_path / "egress.json"
        path.write_text(json.dumps({"streams": {"cam": {"input": url, "input_options": options, "stale_timeout_seconds": 3}}}))
        server = start_egress("serve", "--config", path)
        server.wait_for_stream("cam", lambda s: s["supervision"]["phase"] == "waiting_for_publisher", "nobody sends")
        return server

    return start


def wait_until_nobody_sends(server):
    server.wait_for_stream("cam", lambda s: s["supervision"]["phase"] == "waiting_for_publisher", "the publisher is gone")


def test_an_rtmp_publisher_goes_live_and_stays_and_a_wrong_key_is_refused(listen, watch, library):
    port = free_port(socket.SOCK_STREAM)
    address = f"rtmp://127.0.0.1:{port}/live"
    server = listen(f"{address}/right", "-listen", "1")
    wait_until_listening(port)
    with Publisher(library.small(), "flv", f"{address}/wrong") as stranger:
        server.wait_for_log("A publisher was refused")
        eventually(lambda: not stranger.is_sending, "the stranger is sent away", within=15)
    assert server.stream("cam")["supervision"]["runs"] == 0
    wait_until_listening(port)

    with Publisher(library.small(), "flv", f"{address}/right") as publisher:
        server.wait_until_playable("cam")
        viewer = watch(server, "cam")
        viewer.wait_for_pictures(30)
        assert publisher.is_sending
        server.wait_for_log("copying video")
    wait_until_nobody_sends(server)
    assert server.log.count("A publisher has connected") == 1
    assert not server.stream("cam")["supervision"].get("problem")
    wait_until_listening(port)

    with Publisher(library.small(), "flv", f"{address}/right"):
        viewer.wait_for_pictures(30)
        assert viewer.state == "connected"


def test_an_srt_publisher_has_to_name_the_stream_of_the_address(listen, watch, library):
    address = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    server = listen(f"{address}?mode=listener&streamid=publish:cam")
    with Publisher(library.small(), "mpegts", f"{address}?streamid=publish:other"):
        server.wait_for_log("A publisher was refused: its stream id")
    with Publisher(library.small(), "mpegts", f"{address}?streamid=publish:cam") as publisher:
        server.wait_until_playable("cam")
        watch(server, "cam").wait_for_pictures(15)
        assert publisher.is_sending


def test_a_sender_of_mpeg_ts_over_udp_may_leave_and_come_again(listen, watch, library):
    port = free_port(socket.SOCK_DGRAM)
    server = listen(f"udp://127.0.0.1:{port}")
    address = f"udp://127.0.0.1:{port}?pkt_size=1316"
    with Publisher(library.small(), "mpegts", address):
        server.wait_until_playable("cam")
        viewer = watch(server, "cam")
        viewer.wait_for_pictures(15)
    wait_until_nobody_sends(server)
    with Publisher(library.small(), "mpegts", address):
        viewer.wait_for_pictures(15)
