"""Signals, and a log that nobody reads."""

import os
import signal
import socket
import subprocess

import client
from server import BINARY, REPOSITORY


def test_a_log_that_nobody_reads_stops_neither_http_nor_the_end():
    """A pipe holds 64 KiB. Requests of a stranger, each of them worth a line, fill it many times over."""
    process = subprocess.Popen(
        [BINARY, "serve", "--http", "127.0.0.1:0", "--udp-port", "0", "--log-level", "debug"],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        port = None
        while port is None:
            line = process.stderr.readline()
            assert line, "ended before HTTP was served"
            if "HTTP is served" in line:
                port = line.split("address=127.0.0.1:")[1].split()[0]
        # From here on nobody reads.
        for _ in range(60):
            answer = client.request("POST", f"http://127.0.0.1:{port}/whep/{'x' * 3000}", b"v=0", "application/sdp")
            assert answer.status in (404, 409, 429), answer
        assert client.request("GET", f"http://127.0.0.1:{port}/healthz").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_second_signal_ends_at_once(start_egress):
    server = start_egress("serve")
    # A request that does not come to its end holds up the orderly one.
    with socket.create_connection(("127.0.0.1", server.ports["http"])) as connection:
        connection.sendall(b"POST /whep/cam HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nContent-Length: 10\r\n\r\nv=0")
        assert server.get("/healthz").status == 200
        server.begin_stop()
        server.wait_for_log("draining")
        server.begin_stop()
        assert server.wait_for_end() == 128 + signal.SIGTERM


def test_sighup_without_a_certificate_reads_tokens_again_and_ends_nothing(start_egress, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("first-token-of-sixteen\n")
    server = start_egress("serve", "--api-token-file", tokens, api_token="first-token-of-sixteen")
    path = "/metrics"
    assert server.request("GET", path).status == 200
    assert server.request("GET", path, token="second-token-of-sixteen").status == 401
    tokens.write_text("second-token-of-sixteen\n")
    server.reload()
    server.wait_for_log("read again.*only at the start")
    assert server.request("GET", path, token="second-token-of-sixteen").status == 200
    assert server.request("GET", path).status == 401
    # A FIFO that nobody writes to: it is no file, and nothing waits for it.
    tokens.unlink()
    os.mkfifo(tokens)
    server.reload()
    server.wait_for_log("could not be read again.*not a regular file")
    assert server.request("GET", path, token="second-token-of-sixteen").status == 200
