"""A server whose limit of open files is low, and strangers who use it up."""

import contextlib
import os
import signal
import socket

import pytest

import server as servers
from waiting import eventually

LIMIT = 256
STRANGERS = 300


@pytest.fixture
def limited(tmp_path, monkeypatch):
    """Programs that run with so many open files, at most."""

    def limit(count):
        wrapper = tmp_path / "egress-limited"
        wrapper.write_text(f'#!/bin/sh\nulimit -n {count}\nexec {servers.BINARY} "$@"\n')
        wrapper.chmod(0o755)
        monkeypatch.setattr(servers, "BINARY", wrapper)

    return limit


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_strangers_who_hold_all_connections_keep_no_stream_from_its_children(limited, start_egress, library, watch):
    limited(LIMIT)
    away = "rtsp://127.0.0.1:9/nothing"
    server = start_egress("serve", "--stream", f"cam={library.small()}", "--stream", f"away={away}")
    server.wait_until_playable("cam")
    assert f"limit={LIMIT}" in server.log
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    [pid] = server.processes("egress")
    with contextlib.ExitStack() as stack:
        for _ in range(STRANGERS):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.ports["http"]), 20))
        assert server.get("/healthz").status == 200
        assert server.metric("egress_refused_total", limit="connections") + server.metric("egress_refused_total", limit="descriptors") > 0
        assert len(os.listdir(f"/proc/{pid}/fd")) < LIMIT
        # One that is away is tried again and again, one that dies is run again.
        runs = server.stream("cam")["supervision"]["runs"]
        for ffmpeg in server.processes("ffmpeg"):
            os.kill(ffmpeg, signal.SIGKILL)
        server.wait_for_stream("cam", lambda status: status["supervision"]["runs"] > runs and status["state"] == "active", "it runs again")
        assert server.put_stream("hosted").status == 201
        assert server.delete_stream("hosted").status == 204
        before = cpu_seconds(pid)
        viewer.wait_for_pictures(30)
        assert cpu_seconds(pid) - before < 1, "it burns time"
    assert viewer.leave() == 200
    assert "no descriptors left" not in server.log
    eventually(lambda: server.metric("egress_http_connections") < 20, "connections are gone")


def test_a_limit_that_is_too_low_to_run_is_said_at_the_start(limited, run_egress, library):
    limited(60)
    status, said = run_egress("serve", "--http", "127.0.0.1:0", "--udp-port", "0", "--stream", f"cam={library.small()}")
    assert status == 69
    assert "The limit of open files is 60, and this server needs" in said
