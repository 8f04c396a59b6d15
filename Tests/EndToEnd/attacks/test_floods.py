"""More of everything than a viewer sends, within what a test may take: a few thousand, and then what is left of it."""

import contextlib
import json
import select
import threading
import time

import pytest

import hellos
import wire
from client import request
from scripted import patiently, text

DATAGRAMS = 6000
BURST = 200
OFFERS = 150
REQUESTS = 1200
THREADS = 4
IDLE = 150
SILENT_READERS = 100

# What the allocator may keep of it. OpenSSL has about 70 KiB for a viewer that is expected.
RESIDENT_MAX = 24 << 20
RESIDENT_OF_A_VIEWER_MAX = 256 << 10


@contextlib.contextmanager
def bounded(stage, size):
    before = stage.resident
    yield
    grown = stage.resident - before
    print(f"\nresident memory grew by {grown / 1024:.0f} KiB")
    assert grown < size


def flood(stage, talkers, datagrams):
    """As fast as this program can, and all of it: what the server has not taken yet would be lost in the kernel."""
    before = stage.dropped()
    for begin in range(0, DATAGRAMS, BURST):
        for index in range(begin, begin + BURST):
            talkers[index % len(talkers)].say(datagrams[index % len(datagrams)])
    # Some may be lost in front of the engine; that a flood is seen in the counters is what counts.
    stage.wait_for_more(stage.dropped, before, DATAGRAMS // 2, "datagrams dropped")
    stage.settle()


def test_a_flood_of_checks_without_a_password(stage):
    viewer = stage.viewer()
    assert viewer.post() == 201
    strangers = stage.strangers(20)
    checks = [bytes(viewer.check_message(password=text(24))) for _ in range(200)]
    checks += [bytes(viewer.check_message(username=f"{text(8)}:{text(4)}", password=text(24))) for _ in range(200)]
    with stage.undisturbed(), bounded(stage, RESIDENT_MAX):
        flood(stage, strangers, checks)
    assert not any(stranger.heard() for stranger in strangers)


def test_a_flood_of_hellos(stage):
    strangers = stage.strangers(20)
    datagrams = [hellos.hello() for _ in range(100)] + list(hellos.BAD.values())
    with stage.undisturbed(), bounded(stage, RESIDENT_MAX):
        flood(stage, strangers, datagrams)
    assert not any(stranger.heard() for stranger in strangers)


def test_a_flood_of_hellos_in_the_name_of_a_viewer_that_is_expected(stage):
    """Each may make OpenSSL begin, and costs no more than that."""
    viewer = stage.viewer()
    assert viewer.post() == 201
    viewer.check()
    datagrams = [hello for name, hello in hellos.BAD.items() if "alert" not in name]
    with stage.undisturbed(), bounded(stage, RESIDENT_MAX):
        for _ in range(DATAGRAMS // BURST // 3):
            viewer.say(*[datagrams[index % len(datagrams)] for index in range(BURST)])
            stage.settle()


def test_a_flood_of_what_looks_like_media(stage):
    strangers = stage.strangers(20)
    media = [bytes([0x80, kind]) + bytes(1000) for kind in (102, 111, 200, 201, 205, 206)]
    with stage.undisturbed(), bounded(stage, RESIDENT_MAX):
        flood(stage, strangers, media)
    assert not any(stranger.heard() for stranger in strangers)


def test_a_flood_of_authentic_checks(stage):
    """A viewer that checks without end is answered, each time with no more than it said, and moves nobody else."""
    viewer = stage.viewer().join()
    with stage.undisturbed(), bounded(stage, RESIDENT_MAX):
        for _ in range(DATAGRAMS // BURST // 3):
            viewer.say(*[viewer.check_message() for _ in range(BURST)])
            stage.settle()
    viewer.wait_for_pictures(3)
    assert viewer.video.missing == 0


@pytest.mark.slow
def test_a_flood_of_offers_whose_viewers_never_come(stage):
    """Each is a place taken for 15 s, and given back."""
    gone = stage.closed("no_check")
    with stage.undisturbed(), bounded(stage, RESIDENT_MAX + OFFERS * RESIDENT_OF_A_VIEWER_MAX):
        # A server that limits how fast they come turns the rest of them away: that is as good.
        statuses = [stage.viewer().post(patient=False) for _ in range(OFFERS)]
        taken = statuses.count(201)
        print(f"\n{taken} of {OFFERS} offers taken")
        assert set(statuses) <= {201, 429, 503} and taken
        stage.wait_for_more(lambda: stage.closed("no_check"), gone, taken, "viewers given up")
    stage.wait_until_viewers_are(len(stage.watchers))
    with bounded(stage, RESIDENT_MAX):
        # A second time there is no more to grow.
        for _ in range(20):
            stage.viewer().post(patient=False)
    stage.viewer().join()


def in_parallel(work):
    failures = []

    def run(number):
        try:
            work(number)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_a_flood_of_requests(stage):
    """Offers that are none, sessions that are none, targets that are none, from four at once."""
    url = stage.server.url(f"/whep/{stage.stream}")
    kinds = [
        lambda: request("POST", url, b"x" * 2000, "application/sdp"),
        lambda: request("POST", stage.server.url("/whep/nobody"), b"v=0\r\n", "application/sdp"),
        lambda: request("DELETE", f"{url}/{'0' * 32}"),
        lambda: request("PATCH", f"{url}/{'0' * 32}", b"", "application/trickle-ice-sdpfrag"),
        lambda: request("GET", stage.server.url("/nothing/here")),
        lambda: request("OPTIONS", url),
    ]

    def work(number):
        for index in range(REQUESTS // THREADS):
            assert kinds[(index + number) % len(kinds)]().status in (200, 400, 404, 413, 415, 429, 503)

    with stage.undisturbed(), bounded(stage, RESIDENT_MAX):
        in_parallel(work)
    assert stage.server.get("/healthz").status == 200


def test_connections_that_say_nothing_keep_nobody_out(stage):
    """Half of them have begun a request, and a body, and wait."""
    connections = []
    try:
        with stage.undisturbed(), bounded(stage, RESIDENT_MAX):
            for number in range(IDLE):
                connections.append(wire.connect(stage.server))
                if number % 2:
                    head = f"POST /whep/{stage.stream} HTTP/1.1\r\nHost: a\r\nContent-Type: application/sdp\r\nContent-Length: 5000\r\n\r\nv=0"
                    connections[-1].sendall(head.encode())
            assert stage.server.get("/healthz").status == 200
            viewer = stage.viewer().join()
            viewer.wait_for_pictures(3)
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.slow
def test_connections_that_say_nothing_or_too_little_are_closed_and_listeners_are_not(stage):
    """Else each would keep a descriptor for ever. One that says a field or a byte of a body now and then has not said a request."""
    watcher = stage.watchers[0]
    head = b"POST /whep/stage HTTP/1.1\r\nHost: a\r\n"
    with wire.connect(stage.server) as silent, wire.connect(stage.server) as slow, wire.connect(stage.server) as slower, wire.connect(
        stage.server
    ) as listener:
        events = json.dumps(["viewercount"]).encode()
        created = patiently("POST", f"{watcher.session}/events", events, "application/json")
        assert created.status == 201, created
        listener.sendall(f"GET {created.headers['Location']} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n".encode())
        slow.sendall(head)
        slower.sendall(head + b"Content-Type: application/sdp\r\nContent-Length: 5000\r\n\r\nv=0")
        with stage.undisturbed():
            drip([(slow, b"X-Slow: 1\r\n"), (slower, b"v")])
            silent.settimeout(60)
            assert silent.recv(4096) == b""
        for limit in ("request_head_seconds", "request_body_seconds"):
            assert stage.server.metric("egress_refused_total", limit=limit) == 1
        # How things stood when it came, which was long ago.
        assert b"viewercount" in wire.drained(listener)
        stage.viewer().join()
        listener.settimeout(30)
        told = b""
        while b"viewercount" not in told:
            part = listener.recv(65536)
            assert part, "the listener was closed as well"
            told += part


def drip(speakers):
    """Each says something every 2 s until it is hung up on."""
    for _ in range(60):
        for connection, said in list(speakers):
            try:
                connection.settimeout(1)
                if connection.recv(4096) == b"":
                    speakers.remove((connection, said))
            except TimeoutError:
                connection.sendall(said)
            except ConnectionError:
                speakers.remove((connection, said))
        if not speakers:
            return
    raise AssertionError(f"{len(speakers)} requests without an end are still waited for")


def test_connections_that_ask_and_never_read_cost_little_and_are_closed(stage):
    """A hundred of them pipeline a page's script. What is parsed and what is answered waits for them, and they don't."""
    asked = b"GET /assets/player.js HTTP/1.1\r\nHost: a\r\n\r\n" * 3000
    connections = []
    before = stage.server.metric("egress_refused_total", limit="response_seconds")
    try:
        with stage.undisturbed(), bounded(stage, RESIDENT_MAX):
            for _ in range(SILENT_READERS):
                connection = wire.connect(stage.server)
                connections.append(connection)
                connection.setblocking(False)
            # As much as goes in, twice: what the server has taken by then makes room for more.
            for _ in range(2):
                for connection in connections:
                    with contextlib.suppress(OSError):
                        while connection.send(asked):
                            pass
                assert stage.server.get("/healthz").status == 200
            wait_until_closed(connections)
        assert stage.server.metric("egress_refused_total", limit="response_seconds") - before == SILENT_READERS
        stage.viewer().join()
    finally:
        for connection in connections:
            connection.close()


def wait_until_closed(connections, within=45):
    """Without reading from them."""
    poll = select.poll()
    # POLLHUP and POLLERR are always told, a FIN is not.
    for connection in connections:
        poll.register(connection, select.POLLRDHUP)
    left = {connection.fileno() for connection in connections}
    deadline = time.monotonic() + within
    while left:
        assert time.monotonic() < deadline, f"{len(left)} connections are still open"
        for descriptor, _ in poll.poll(1000):
            poll.unregister(descriptor)
            left.discard(descriptor)
