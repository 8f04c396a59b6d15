"""What happens to a server whose listener the system takes away."""

import contextlib
import socket
import subprocess

import pytest

from client import connect
from waiting import eventually

# accept fails as some security modules have it fail, as often as a file says; then all is well again.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int is_refused(void) {
    const char *path = getenv("EGRESS_TEST_REFUSALS");
    FILE *file = path ? fopen(path, "r+") : NULL;
    int left = 0;
    if (!file) return 0;
    if (fscanf(file, "%d", &left) == 1 && left > 0) {
        rewind(file);
        fprintf(file, "%-8d", left - 1);
    }
    fclose(file);
    return left > 0;
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
    int (*real)(int, struct sockaddr *, socklen_t *, int) = dlsym(RTLD_NEXT, "accept4");
    int got = real(fd, address, size, flags);
    if (got < 0 || !is_refused()) return got;
    shutdown(got, SHUT_RDWR);
    close(got);
    errno = EPERM;
    return -1;
}
"""


@pytest.fixture
def shim(tmp_path, monkeypatch):
    source, library, refusals = tmp_path / "accept.c", tmp_path / "accept.so", tmp_path / "refusals"
    source.write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    refusals.write_text("0")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("EGRESS_TEST_REFUSALS", str(refusals))
    yield refusals


def test_a_listener_that_fails_is_opened_again_and_media_goes_on(shim, start_egress, watch, library, monkeypatch):
    server = start_egress("serve", "--stream", f"cam={library.small()}")
    monkeypatch.delenv("LD_PRELOAD")
    server.wait_until_playable("cam")
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    kept = connect(server.url("/"))
    kept.request("GET", "/healthz")
    assert kept.getresponse().read()
    shim.write_text("2")
    # Each of these is one that the system refuses.
    for number in (1, 2):
        with socket.create_connection(("127.0.0.1", server.ports["http"]), 20) as refused, contextlib.suppress(ConnectionError):
            assert refused.recv(100) == b""
        server.wait_for_log(r"HTTP accepts no connections: .*Operation not permitted.*opened again in .*media continues")
        eventually(lambda number=number: server.log.count("HTTP is served again") == number, "the listener is back")
    assert server.get("/healthz").status == 200
    # A connection that was there before has not noticed.
    kept.request("GET", "/healthz")
    assert kept.getresponse().status == 200
    viewer.wait_for_pictures(30)
    assert viewer.leave() == 200
    assert server.post_offer("cam", "nonsense").status == 400
