"""HTTPS: who gets in, what is presented, and a certificate that is replaced while viewers watch."""

import http.client
import os
import socket
import ssl
import warnings

import pytest

import certificates
from client import connect
from waiting import eventually


class Pair:
    def __init__(self, directory):
        self.certificate, self.key = directory / "chain.pem", directory / "key.pem"
        self.flags = ["--tls-certificate", self.certificate, "--tls-key", self.key]
        self.replace()

    def replace(self):
        """Gives the new certificate in DER, and the one before it."""
        before = getattr(self, "der", None)
        self.der = certificates.write(self.certificate, self.key)
        return self.der, before

    @property
    def context(self):
        return ssl.create_default_context(cafile=self.certificate)


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path)


def _presented(server):
    """The certificate that a new connection gets, in DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = connect(server.url("/"), context)
    try:
        connection.connect()
        return connection.sock.getpeercert(binary_form=True)
    finally:
        connection.close()


@pytest.mark.slow
def test_a_handshake_that_is_not_gone_on_with_is_closed_and_a_connection_that_had_its_own_is_not(start_egress, pair):
    server = start_egress("serve", *pair.flags, context=pair.context)
    kept = connect(server.url("/"), pair.context)
    kept.connect()
    hello = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        pair.context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="127.0.0.1").do_handshake()
    address = ("127.0.0.1", server.ports["http"])
    with socket.create_connection(address, 20) as silent, socket.create_connection(address, 20) as stalled:
        stalled.sendall(hello.read()[:100])
        assert stalled.recv(4096) == b""
        assert silent.recv(4096) == b""
    kept.request("GET", "/healthz")
    assert kept.getresponse().status == 200
    assert server.metric("egress_refused_total", limit="tls_handshake_seconds") == 2


def test_viewers_watch_over_https(start_egress, pair, library, watch, open_player):
    server = start_egress("serve", *pair.flags, "--stream", f"cam={library.small()}", context=pair.context)
    assert server.scheme == "https"
    server.wait_until_playable("cam")
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    assert viewer.session.startswith("https://")
    player = open_player(server, "cam")
    player.wait_for_picture()
    player.wait_for_decoded(10)
    assert viewer.leave() == 200


def test_the_demo_says_https(start_egress, pair):
    server = start_egress("demo", *pair.flags, context=pair.context)
    assert server.wait_for_log(f"Open {server.url('/watch/demo')} in a browser")


def test_plain_http_and_old_tls_get_nothing(start_egress, pair):
    server = start_egress("serve", *pair.flags, context=pair.context)
    plain = http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=30)
    with pytest.raises((http.client.HTTPException, OSError)):
        plain.request("GET", "/healthz")
        plain.getresponse()
    plain.close()

    old = pair.context
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="(?i)alert protocol version"):
        connect(server.url("/"), old).connect()
    assert server.get("/healthz").status == 200


def test_a_new_certificate_is_taken_without_ending_a_connection(start_egress, pair, library, watch):
    server = start_egress("serve", *pair.flags, "--stream", f"cam={library.small()}", context=pair.context)
    server.wait_until_playable("cam")
    viewer = watch(server, "cam")
    viewer.wait_for_pictures(5)
    kept = connect(server.url("/"), server.context)
    kept.request("GET", "/healthz")
    assert kept.getresponse().read()
    socket = kept.sock
    assert _presented(server) == pair.der

    der, before = pair.replace()
    server.reload()
    server.wait_for_log("The certificate was read again")
    assert _presented(server) == der != before
    kept.request("GET", "/healthz")
    assert kept.getresponse().read() and kept.sock is socket, "the connection was dropped"
    kept.close()
    server.context = pair.context
    viewer.wait_for_pictures(5)
    assert server.stream("cam")["viewers_connected"] == 1


@pytest.mark.parametrize("spoil", ["missing", "empty", "of another", "a FIFO"])
def test_a_certificate_that_cannot_be_used_is_not_taken(start_egress, pair, tmp_path, spoil):
    server = start_egress("serve", *pair.flags, context=pair.context)
    match spoil:
        case "missing":
            pair.certificate.unlink()
        case "empty":
            pair.certificate.write_text("")
        case "a FIFO":
            pair.key.unlink()
            os.mkfifo(pair.key)
        case "of another":
            certificates.write(pair.certificate, tmp_path / "another.pem")
    server.reload()
    complaint = server.wait_for_log(r"error.*The certificate could not be read again, so the old one stays in use: (\S+): ")
    assert complaint[1] == str(pair.key if spoil in ("of another", "a FIFO") else pair.certificate)
    if spoil == "a FIFO":
        pair.key.unlink()
    assert _presented(server) == pair.der
    der, _ = pair.replace()
    server.reload()
    eventually(lambda: _presented(server) == der, "the new certificate is presented")


@pytest.mark.parametrize("spoiled", ["certificate", "key"])
def test_a_start_without_a_certificate_names_the_file(run_egress, pair, spoiled):
    path = getattr(pair, spoiled)
    path.write_text("nothing of the kind")
    status, said = run_egress("serve", "--http", "127.0.0.1:0", "--udp-port", "0", *pair.flags)
    assert status == 78
    assert f"{path}: has no " in said
    path.unlink()
    status, said = run_egress("serve", "--http", "127.0.0.1:0", "--udp-port", "0", *pair.flags)
    assert status == 78
    assert f"{path}: cannot be read: No such file or directory" in said
