"""HTTP as the tests need it: nothing raises because of a status."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        """What an application/problem+json body says."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        problem = self.json
        assert problem["status"] == self.status, self
        return problem["detail"]


def connect(url, context=None):
    """A connection to the server of a URL; `context` says what to trust where it is https."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=30, context=context)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)


def request(method, url, body=None, content_type=None, token=None, headers=None, context=None):
    connection = connect(url, context)
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        fields = dict(headers or {})
        if content_type:
            fields["Content-Type"] = content_type
        if token:
            fields["Authorization"] = f"Bearer {token}"
        connection.request(method, target, body, fields)
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())
    finally:
        connection.close()
