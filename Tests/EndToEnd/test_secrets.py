"""Passwords of inputs: FFmpeg needs them, and nobody else is told."""

import base64
import hashlib
import hmac
import http.server
import json
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from client import request
from waiting import eventually


class Refusing(http.server.BaseHTTPRequestHandler):
    """Asks for a password, whatever it is given; a playlist it has leads to addresses with secrets of their own."""

    def do_GET(self):
        if "/list.m3u8" in self.path:
            body = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsegment.ts?token=TOKEN-OF-A-SEGMENT\n#EXT-X-ENDLIST\n"
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.apple.mpegurl")
        else:
            body = f"not with that: {self.path}".encode()
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="egress"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def refusing():
    """The port of a web server that lets nobody in."""
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield web.server_address[1]
    web.shutdown()
    web.server_close()


@pytest.fixture(scope="module")
def closed_port():
    """Nobody listens there as long as the socket is held."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def inputs(web, closed):
    """By stream: what FFmpeg reads, with which options, and what of it is secret."""
    return {
        "rtsp": (f"rtsp://viewer:SECRET-OF-RTSP@127.0.0.1:{closed}/live", [], ["SECRET-OF-RTSP"]),
        "rtsp-odd": (f"rtsp://viewer:SECRET@OF@ODD@127.0.0.1:{closed}/live", [], ["SECRET@OF@ODD", "OF@ODD"]),
        "escaped": (f"http://viewer:SECRET%2DOF%2DESCAPES@127.0.0.1:{web}/x", [], ["SECRET%2DOF%2DESCAPES", "SECRET-OF-ESCAPES"]),
        "basic": (f"http://viewer:SECRET-OF-BASIC@127.0.0.1:{web}/live.flv", [], ["SECRET-OF-BASIC"]),
        "query": (f"http://127.0.0.1:{web}/live.ts?token=SECRET-OF-QUERY&x=1", [], ["SECRET-OF-QUERY"]),
        "signed": (f"http://127.0.0.1:{web}/a?X-Amz-Signature=SECRET-OF-AMZ&api_key=SECRET-OF-API", [], ["SECRET-OF-AMZ", "SECRET-OF-API"]),
        "playlist": (f"http://127.0.0.1:{web}/list.m3u8?auth=SECRET-OF-LIST", [], ["SECRET-OF-LIST", "TOKEN-OF-A-SEGMENT"]),
        "header": (f"http://127.0.0.1:{web}/x", ["-headers", "Authorization: Bearer SECRET-OF-HEADER\r\n"], ["SECRET-OF-HEADER"]),
        "srt": (f"srt://127.0.0.1:{closed}?passphrase=SECRET-OF-SRT&streamid=SECRET-OF-STREAMID", [], ["SECRET-OF-SRT", "SECRET-OF-STREAMID"]),
        "rtmp": (f"rtmp://viewer:SECRET-OF-RTMP@127.0.0.1:{closed}/app/key?key=SECRET-OF-KEY", [], ["SECRET-OF-RTMP", "SECRET-OF-KEY"]),
    }


PAGES = ["/", "/healthz", "/metrics", "/api/v1/streams", "/assets/index.js", "/assets/player.js", "/assets/egress-player.js"]


def test_a_password_of_an_input_is_told_to_nobody(start_egress, tmp_path, refusing, closed_port):
    """All that the server says, at its most talkative, of inputs that it can't open."""
    streams = inputs(refusing, closed_port)
    config = tmp_path / "egress.json"
    definitions = {stream: {"input": url, "input_options": options} for stream, (url, options, _) in streams.items()}
    config.write_text(json.dumps({"streams": definitions, "log_level": "trace"}))
    server = start_egress("serve", "--config", str(config))
    for stream in streams:
        # Twice: the second failure is told in other words, at another level.
        eventually(lambda stream=stream: server.log.count(f"stream={stream} ") >= 2, f"{stream} has failed twice")

    said = {"the log": server.log}
    for path in PAGES + [f"/watch/{stream}" for stream in streams] + [f"/api/v1/streams/{stream}" for stream in streams]:
        said[path] = server.get(path).text
    for stream in streams:
        assert server.stream(stream)["supervision"]["problem"], stream
        for method, path in (("PUT", f"/api/v1/streams/{stream}"), ("DELETE", f"/api/v1/streams/{stream}"), ("POST", f"/whep/{stream}")):
            said[f"{method} {path}"] = request(method, server.url(path), b"{}", "application/sdp").text
    for where, text in said.items():
        for stream, (_, _, secrets) in streams.items():
            for secret in secrets:
                assert secret not in text, f"{where} tells the secret of {stream}"
    assert "***" in server.log


def test_a_password_of_an_input_that_plays_is_in_no_log(start_egress, tmp_path, library):
    """What FFmpeg is run with is logged at `debug`."""
    key = "00112233445566778899aabbccddeeff"
    config = tmp_path / "egress.json"
    definition = {"input": str(library.small()), "input_options": ["-decryption_key", key], "loop": False}
    config.write_text(json.dumps({"streams": {"cam": definition}, "log_level": "trace"}))
    server = start_egress("serve", "--config", str(config))
    server.wait_for_log("running FFmpeg")
    server.wait_until_playable("cam")
    assert key not in server.log
    assert key not in server.get("/api/v1/streams/cam").text


def test_a_wrong_configuration_is_refused_without_its_passwords(run_egress, tmp_path):
    url = "rtsp://viewer:SECRET-OF-CONFIG@127.0.0.1/live"
    for entry in ({"input": url, "inptu_options": []}, {"input": url, "loop": url}, {"input": [url]}, {"input": url, "webrtc": {"video_pt": url}}):
        path = tmp_path / "egress.json"
        path.write_text(json.dumps({"streams": {"cam": entry}}))
        status, said = run_egress("serve", "--config", path)
        assert status == 78
        assert "SECRET-OF-CONFIG" not in said
    status, said = run_egress("serve", "--stream", url)
    assert status in (64, 78)
    assert "SECRET-OF-CONFIG" not in said


def test_the_command_line_of_the_server_needs_no_password(start_egress, tmp_path, closed_port):
    """Every user of a machine can read command lines. The file keeps secrets off the server's; FFmpeg knows no other way in (SECURITY.md)."""
    config = tmp_path / "egress.json"
    config.write_text(json.dumps({"streams": {"cam": {"input": f"rtsp://viewer:SECRET-OF-PS@127.0.0.1:{closed_port}/live"}}}))
    server = start_egress("serve", "--config", str(config))
    server.wait_for_log("the input cannot be used yet")
    [pid] = server.processes("egress")
    assert b"SECRET-OF-PS" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_turn_servers_secret_is_told_to_nobody_and_what_it_makes_is_told_to_viewers(start_egress, tmp_path):
    """The credential is what a TURN server with the same secret computes (draft-uberti-behave-turn-rest-00)."""
    secret = "SECRET-OF-TURN"
    turn = {"urls": ["turn:turn.example:3478"], "username": "egress", "secret": secret, "lifetime_seconds": 3600}
    config = tmp_path / "egress.json"
    config.write_text(json.dumps({"egress": {"ice_servers": [turn]}}))
    server = start_egress("serve", "--config", str(config), "--log-level", "trace")
    assert server.put_stream("cam").status == 201
    before = int(time.time())
    response = request("OPTIONS", server.url("/whep/cam"))
    [link] = response.headers.get_all("Link")
    username, credential = re.search(r'username="(.+?)"; credential="(.+?)"', link).groups()
    assert credential == base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()
    end, _, name = username.partition(":")
    assert name == "egress"
    assert before + 3600 <= int(end) <= int(time.time()) + 3600
    assert secret not in server.log
    assert all(secret not in server.get(path).text for path in PAGES)
