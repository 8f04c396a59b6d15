"""`egress doctor` as a command."""

import os


def test_nothing_that_is_needed_is_missing_here(run_egress):
    status, said = run_egress("doctor")
    assert status == 0
    found = {line[8:24].strip(): line[:8].strip() for line in said.splitlines() if not line.startswith(" ")}
    assert list(found)[:8] == ["kernel", "cores", "open files", "io_uring", "UDP GSO", "receive buffer", "SRTP", "OpenSSL"]
    for subject in ["FFmpeg", "H.264", "H.265", "VP8", "VP9", "Opus", "PCMU", "PCMA", "G.722", "ffprobe"]:
        assert found[subject] == "ok", said
    # What it says depends on the FFmpeg that is here.
    assert found["AV1"] in ("ok", "warn"), said
    assert os.uname().release in said


def test_what_is_missing_is_said_with_the_status_too(run_egress):
    status, said = run_egress("doctor", "--ffmpeg", "/nonexistent")
    assert status == 1
    assert "missing FFmpeg          /nonexistent was not found\n" in said
    assert "apt-get install ffmpeg" in said
