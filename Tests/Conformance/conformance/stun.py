"""An ICE check (RFC 8445 §7.2.4), to see which credentials a server goes by."""

import hashlib
import hmac
import os
import socket
import struct
import zlib

_MAGIC = 0x2112A442
_BINDING_REQUEST, _BINDING_SUCCESS = 0x0001, 0x0101
_USERNAME, _INTEGRITY, _PRIORITY, _FINGERPRINT, _CONTROLLING = 0x0006, 0x0008, 0x0024, 0x8028, 0x802A
_ATTEMPTS = 4
_TIMEOUT = 0.5


def _attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _header(size, transaction):
    return struct.pack("!HHI", _BINDING_REQUEST, size, _MAGIC) + transaction


def _request(transaction, username, password):
    body = _attribute(_USERNAME, username.encode())
    body += _attribute(_PRIORITY, struct.pack("!I", 110 << 24 | 65535 << 8 | 255)) + _attribute(_CONTROLLING, os.urandom(8))
    # Both are computed as if they were the last attribute.
    code = hmac.new(password.encode(), _header(len(body) + 24, transaction) + body, hashlib.sha1).digest()
    body += _attribute(_INTEGRITY, code)
    check = zlib.crc32(_header(len(body) + 8, transaction) + body) ^ 0x5354554E
    body += _attribute(_FINGERPRINT, struct.pack("!I", check))
    return _header(len(body), transaction) + body


def _is_answered(address, port, request, transaction):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        peer.settimeout(_TIMEOUT)
        try:
            peer.connect((address, port))
            for _ in range(_ATTEMPTS):
                peer.send(request)
                try:
                    answer = peer.recv(2048)
                except TimeoutError:
                    continue
                if len(answer) >= 20 and answer[8:20] == transaction and struct.unpack_from("!H", answer)[0] == _BINDING_SUCCESS:
                    return True
        except OSError:
            pass
    return False


def answers(description, remote):
    """Whether a candidate of the server's answers a check. `description` has its candidates and credentials, `remote` is the player."""
    username = f"{description.first('ice-ufrag')}:{remote.ufrag}"
    for fields in description.candidates:
        if len(fields) >= 6 and fields[2].lower() == "udp":
            transaction = os.urandom(12)
            if _is_answered(fields[4], int(fields[5]), _request(transaction, username, description.first("ice-pwd") or ""), transaction):
                return True
    return False
