"""Clients that send a request's head and wait to be told before they send its body (RFC 9110 §10.1.1)."""

import re
import socket

OFFER = b"v=0\r\n"
STATUS = re.compile(rb"HTTP/1\.1 (\d+) ")


class Client:
    """A connection on which bytes are sent as they are."""

    def __init__(self, server):
        self._socket = socket.create_connection(("127.0.0.1", server.ports["http"]), timeout=30)
        self._received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def post(self, path="/whep/none", expect="100-continue", body=b"", size=None):
        length = len(OFFER) if size is None else size
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n"
        self.send((head + (f"Expect: {expect}\r\n" if expect else "") + "\r\n").encode() + body)

    def statuses(self, count):
        """As they come; what is between the heads is passed over."""
        while len(STATUS.findall(self._received)) < count:
            data = self._socket.recv(65536)
            assert data, f"closed after {self._received!r}"
            self._received += data
        return [int(status) for status in STATUS.findall(self._received)]


def test_a_client_that_waits_is_told_to_go_on(server):
    with Client(server) as client:
        for round in range(2):
            client.post(expect="100-Continue")
            assert client.statuses(2 * round + 1) == [100, 404] * round + [100]
            client.send(OFFER)
            assert client.statuses(2 * round + 2) == [100, 404] * (round + 1)


def test_one_that_does_not_wait_is_answered_at_once(server):
    with Client(server) as client:
        client.post(expect=None, body=OFFER)
        assert client.statuses(1) == [404]


def test_the_word_does_not_come_into_another_response(server):
    with Client(server) as client:
        client.send(b"GET /assets/player.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        client.post()
        assert client.statuses(4) == [200, 200, 200, 100]
        client.send(OFFER)
        assert client.statuses(5)[-1] == 404
