"""A client that begins and does not go on: an authenticated ICE check, a ClientHello, and nothing more."""

import re
import socket

from aioice import stun
from OpenSSL import SSL

import whep


def _client_hello():
    connection = SSL.Connection(SSL.Context(SSL.DTLS_METHOD))
    connection.set_connect_state()
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        pass
    return connection.bio_read(2048)


def _attribute(name, text):
    return re.search(rf"^a={name}:(\S+)", text, re.MULTILINE)[1]


class HalfOpen:
    """From a port of its own on 127.0.0.1."""

    def __init__(self, server, stream):
        offer = whep.offer()
        response = server.post_offer(stream, offer)
        assert response.status == 201, response
        answer = response.text
        self._username = f"{_attribute('ice-ufrag', answer)}:{_attribute('ice-ufrag', offer)}"
        self._password = _attribute("ice-pwd", answer)
        self._hello = _client_hello()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", server.ports["udp"]))
        self._socket.settimeout(1)

    def check(self, attempts=30):
        """Until it is answered."""
        for _ in range(attempts):
            request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
            request.attributes["USERNAME"] = self._username
            request.attributes["PRIORITY"] = 0x6EFFFFFF
            request.attributes["ICE-CONTROLLING"] = 1
            request.add_message_integrity(self._password.encode())
            request.add_fingerprint()
            self._socket.send(bytes(request))
            try:
                answer = self._socket.recv(2048)
            except TimeoutError:
                continue
            if stun.parse_message(answer).message_class == stun.Class.RESPONSE:
                return
        raise AssertionError("no check was answered")

    def say_hello(self):
        self._socket.send(self._hello)

    def close(self):
        self._socket.close()
