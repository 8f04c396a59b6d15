"""The conformance suite against the server: every row that can be judged holds, SHOULD and MAY too."""

import json
import subprocess
import sys

from server import REPOSITORY

# What only a server that asks for tokens shows; test_auth.py has one.
NOT_HERE = {"A1.1", "A1.3", "A1.4", "A1.5", "A1.6"}


def test_every_row_holds(start_egress, library, tmp_path, artifacts):
    config = tmp_path / "config.json"
    turn = {"urls": ["turn:turn.example:3478", "stun:stun.example"], "username": "viewer", "credential": 'se"cret'}
    # Room for the two sessions that some rows compare, and not for many more.
    egress = {"max_viewers_per_stream": 4, "ice_servers": [turn]}
    redirect = {"moved": "https://other.example/whep/moved"}
    config.write_text(json.dumps({"egress": egress, "redirect": redirect, "streams": {"live": {"input": str(library.small())}}}))
    server = start_egress("serve", "--config", str(config))
    server.wait_until_playable("live")
    assert server.put_stream("idle").status == 201

    report = artifacts / "conformance.json"
    endpoint = server.url("/whep/live")
    options = ["--idle", server.url("/whep/idle"), "--full", endpoint, "--moved", server.url("/whep/moved"), "--slow", "--json", report]
    run = subprocess.run(
        [sys.executable, "-m", "conformance", endpoint, *options],
        cwd=REPOSITORY / "Tests" / "Conformance",
        capture_output=True,
        text=True,
        timeout=240,
    )
    rows = {row["id"]: row for row in json.loads(report.read_text())}
    assert {row["id"] for row in rows.values() if row["result"] == "FAIL"} == set(), run.stdout
    assert {row["id"] for row in rows.values() if row["result"] == "skip"} <= NOT_HERE, run.stdout
    assert run.returncode == 0, run.stdout
    server.wait_for_stream("live", lambda s: s["viewers"] == 0, "every session was deleted")


def test_a_server_that_is_not_whep_fails(tmp_path):
    """A suite that nothing fails would say nothing."""
    web = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = web.stdout.readline().split(" port ")[1].split()[0]
        command = [sys.executable, "-m", "conformance", f"http://127.0.0.1:{port}/whep/live", "--no-udp"]
        run = subprocess.run(command, cwd=REPOSITORY / "Tests" / "Conformance", capture_output=True, text=True, timeout=120)
    finally:
        web.kill()
        web.wait()
    assert run.returncode >= 20, run.stdout
