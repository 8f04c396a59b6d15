"""The link that other tests put viewers behind."""

import socket
import time
from contextlib import ExitStack

import pytest

from link import UDP_AND_IP, Link
from relay import Relay

MBIT = 1_000_000
# 1,250 bytes on the wire: 10 ms at 1 Mbit/s.
SIZE = 1250 - UDP_AND_IP


def test_packets_leave_at_the_rate_of_the_link():
    link = Link(MBIT, 64 * 1024)
    assert all(link.put(5.0, SIZE, number) for number in range(3))
    assert [(pytest.approx(left), number) for left, number in link.leaving(5.015)] == [(5.01, 0), (5.02, 1)]
    assert link.next == pytest.approx(5.02)
    assert [(pytest.approx(left), number) for left, number in link.leaving(6.0)] == [(5.03, 2)]
    assert link.next is None
    # It has saved up nothing.
    link.put(7.0, SIZE, 3)
    assert link.leaving(7.0) == [(pytest.approx(7.01), 3)]


def test_what_does_not_fit_into_the_queue_is_dropped():
    link = Link(MBIT, 4 * 1250)
    assert [link.put(1.0, SIZE, number) for number in range(6)] == [True] * 4 + [False] * 2
    assert link.drops == [1.0, 1.0]
    # Half of the first one has left.
    assert not link.put(1.005, SIZE, 6)
    assert link.put(1.0101, SIZE, 7)
    assert link.levels[-1] == (1.0101, pytest.approx(3 * 1250, abs=20))


def test_what_waits_leaves_at_the_new_rate():
    link = Link(MBIT, 64 * 1024)
    for number in range(11):
        link.put(1.0, SIZE, number)
    link.set_rate(10 * MBIT, 1.005)
    assert [pytest.approx(left) for left, _ in link.leaving(2.0)] == [1.01 + 0.001 * number for number in range(11)]


def test_without_a_rate_nothing_waits():
    link = Link()
    assert all(link.put(1.0, SIZE, number) for number in range(1000))
    assert {left for left, _ in link.leaving(1.0)} == {1.0}


def test_viewers_share_the_queue_and_have_an_address_each():
    """40 packets to each of two, 100,000 bytes on the wire, take 400 ms at 2 Mbit/s."""
    with ExitStack() as opened:

        def end():
            found = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            found.bind(("127.0.0.1", 0))
            found.settimeout(10)
            return found

        engine, viewers = end(), [end(), end()]
        relay = opened.enter_context(Relay(engine.getsockname()[1], bits_per_second=2 * MBIT, queue_size=128 * 1024))
        addresses = []
        for viewer, port in zip(viewers, (relay.port, relay.open_door().port)):
            viewer.sendto(b"hello", ("127.0.0.1", port))
            addresses.append(engine.recvfrom(100)[1])
        assert len(set(addresses)) == 2
        began = time.monotonic()
        for _ in range(40):
            for address in addresses:
                engine.sendto(bytes(SIZE), address)
        ends = []
        for viewer in viewers:
            assert all(len(viewer.recv(2000)) == SIZE for _ in range(40))
            ends.append(time.monotonic() - began)
        assert min(ends) > 0.39
        assert relay.counts["dropped"] == 0
