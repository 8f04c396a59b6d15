"""DTLS records as nobody's library would write them (RFC 6347, RFC 5246)."""

import os
import struct

HANDSHAKE, ALERT, CHANGE_CIPHER_SPEC, APPLICATION_DATA = 22, 21, 20, 23
DTLS_1_0, DTLS_1_2 = 0xFEFF, 0xFEFD

ECDHE_ECDSA_AES128_GCM = 0xC02B
ECDHE_ECDSA_NULL = 0xC006
RSA_NULL_SHA256 = 0x003B
ECDHE_RSA_CHACHA20 = 0xCCA8


def record(kind, body, epoch=0, sequence=0, version=DTLS_1_2):
    return struct.pack("!BHHHIH", kind, version, epoch, sequence >> 32, sequence & 0xFFFFFFFF, len(body)) + body


def alert(level, description, epoch=0):
    return record(ALERT, bytes([level, description]) if epoch == 0 else os.urandom(8 + 2 + 16), epoch)


def handshake(kind, body, size=None, offset=0, sequence=0):
    """One fragment of a message that claims to have `size` bytes."""
    size = len(body) if size is None else size
    header = struct.pack("!B", kind) + size.to_bytes(3, "big") + struct.pack("!H", sequence)
    return header + offset.to_bytes(3, "big") + len(body).to_bytes(3, "big") + body


def _extension(kind, body):
    return struct.pack("!HH", kind, len(body)) + body


def _extensions(srtp_profiles):
    groups = _extension(10, struct.pack("!HHH", 4, 29, 23))
    formats = _extension(11, b"\x01\x00")
    algorithms = _extension(13, struct.pack("!HHHH", 6, 0x0403, 0x0804, 0x0401))
    srtp = _extension(14, struct.pack("!H", 2 * len(srtp_profiles)) + b"".join(struct.pack("!H", p) for p in srtp_profiles) + b"\0")
    return groups + formats + algorithms + (srtp if srtp_profiles else b"") + _extension(23, b"")


def hello_body(ciphers=(ECDHE_ECDSA_AES128_GCM,), version=DTLS_1_2, srtp_profiles=(7,), compression=b"\0"):
    suites = b"".join(struct.pack("!H", cipher) for cipher in ciphers)
    body = struct.pack("!H", version) + os.urandom(32) + b"\0" + b"\0" + struct.pack("!H", len(suites)) + suites
    extensions = _extensions(srtp_profiles)
    return body + bytes([len(compression)]) + compression + struct.pack("!H", len(extensions)) + extensions


def hello(**options):
    """A ClientHello that a server may take, unless told otherwise."""
    return record(HANDSHAKE, handshake(1, hello_body(**options)), version=DTLS_1_0)


def hello_fragment(size, offset, body):
    return record(HANDSHAKE, handshake(1, body, size=size, offset=offset), version=DTLS_1_0)


# None of them is the beginning of a handshake. By name: what a test's name shows.
BAD = {
    "null_cipher": hello(ciphers=(ECDHE_ECDSA_NULL, RSA_NULL_SHA256)),
    "no_cipher_in_common": hello(ciphers=(ECDHE_RSA_CHACHA20,)),
    "no_cipher_at_all": hello(ciphers=()),
    "old_version": hello(version=DTLS_1_0),
    "no_compression_method": hello(compression=b""),
    "cut_short": record(HANDSHAKE, handshake(1, hello_body()[:40])),
    "longer_than_it_is": record(HANDSHAKE, handshake(1, hello_body(), size=16_000_000)),
    "fragment_beyond_its_end": record(HANDSHAKE, handshake(1, hello_body(), size=8, offset=4)),
    "extensions_of_no_length": record(HANDSHAKE, handshake(1, hello_body()[:43] + b"\xff\xff" + bytes(60))),
    "another_message": record(HANDSHAKE, handshake(20, os.urandom(12))),
    "a_certificate_first": record(HANDSHAKE, handshake(11, os.urandom(300))),
    "fatal_alert": alert(2, 40),
    "close_notify": alert(1, 0),
    "forged_close_notify": alert(1, 0, epoch=1),
    "change_of_cipher": record(CHANGE_CIPHER_SPEC, b"\1"),
    "application_data": record(APPLICATION_DATA, os.urandom(100)),
    "epoch_to_come": record(HANDSHAKE, os.urandom(60), epoch=1),
    "record_of_no_length": record(HANDSHAKE, b""),
    "record_cut_short": hello()[:30],
    "garbage": bytes([HANDSHAKE]) + os.urandom(200),
}
