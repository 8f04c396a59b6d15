"""HTTP byte by byte: what no client library would send."""

import socket

TIMEOUT = 20.0
# A connection that is fed garbage may stay open to wait for more of it; nobody waits that long here.
SILENCE = 0.3


def connect(server):
    return socket.create_connection(("127.0.0.1", server.ports["http"]), TIMEOUT)


def exchange(server, sent, is_patient=True):
    """What comes back for these bytes. Without patience: what comes at once."""
    with connect(server) as connection:
        received = b""
        try:
            connection.sendall(sent)
            if is_patient:
                connection.shutdown(socket.SHUT_WR)
            else:
                connection.settimeout(SILENCE)
            while part := connection.recv(65536):
                received += part
        except OSError:
            pass  # it has hung up, or says nothing
        return received


def drained(connection):
    """What has come already."""
    connection.settimeout(SILENCE)
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except TimeoutError:
        pass
    return received


def status(answer):
    """Of the first response in it; None when there is none."""
    head = answer.split(b"\r\n", 1)[0].split()
    return int(head[1]) if len(head) >= 2 and head[0].startswith(b"HTTP/1.") else None


def request_bytes(method, target, body=b"", **fields):
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
