"""HTTP as a WHEP player uses it: nothing raises because of a status, nothing is followed or sent again without being asked for."""

import http.client
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"

TIMEOUT = 30.0
# A server may limit how fast viewers come. What it asks to wait for is waited for, within reason.
BUSY = (429, 503)
WAIT_MAX = 15
ATTEMPTS = 4


@dataclass
class Response:
    url: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def type(self):
        return (self.headers["Content-Type"] or "").split(";")[0].strip().lower()

    @property
    def location(self):
        """Absolute; None when there is none."""
        place = self.headers["Location"]
        return urljoin(self.url, place) if place else None

    @property
    def links(self):
        """[(target, {parameter: value})] of all Link fields (RFC 8288)."""
        found = []
        for field in self.headers.get_all("Link") or []:
            found += _links(field)
        return [(urljoin(self.url, target) if "://" not in target and target.startswith("/") else target, rest) for target, rest in found]

    def names(self, field):
        """A field that is a list of names, in lower case."""
        return {name.strip().lower() for value in self.headers.get_all(field) or [] for name in value.split(",")}


def _links(text):
    links = []
    while (begin := text.find("<")) >= 0:
        end = text.find(">", begin)
        if end < 0:
            break
        target, text = text[begin + 1 : end], text[end + 1 :]
        parameters = {}
        while text.lstrip().startswith(";"):
            name, _, text = text.lstrip()[1:].partition("=")
            text = text.lstrip()
            if text.startswith('"'):
                value, text = _quoted(text)
            else:
                cut = min((text.find(c) for c in ";," if c in text), default=len(text))
                value, text = text[:cut], text[cut:]
            parameters[name.strip().lower()] = value
        links.append((target, parameters))
    return links


def _quoted(text):
    value, index = "", 1
    while index < len(text) and text[index] != '"':
        index += text[index] == "\\"
        value += text[index : index + 1]
        index += 1
    return value, text[index + 1 :]


class Client:
    def __init__(self, token=None, cafile=None):
        self.token = token
        self._context = ssl.create_default_context(cafile=cafile)

    def _open(self, method, url, body, headers, authorize):
        parts = urlsplit(url)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT, context=self._context)
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
        fields = {"Origin": "https://player.example"} | {name: value for name, value in headers.items() if value is not None}
        if authorize and self.token and "Authorization" not in fields:
            fields["Authorization"] = f"Bearer {self.token}"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, fields)
        return connection, connection.getresponse()

    def request(self, method, url, body=None, headers=None, authorize=True, patient=True):
        """`patient` waits and asks again when the server says that it is busy and for how long."""
        for attempt in range(ATTEMPTS):
            connection, answer = self._open(method, url, body, headers or {}, authorize)
            try:
                response = Response(url, answer.status, answer.headers, answer.read())
            finally:
                connection.close()
            wait = response.headers["Retry-After"] or ""
            if not (patient and response.status in BUSY and wait.isdigit() and int(wait) <= WAIT_MAX) or attempt + 1 == ATTEMPTS:
                return response
            time.sleep(int(wait))

    def post(self, url, body, content_type=SDP, **options):
        return self.request("POST", url, body, {"Content-Type": content_type}, **options)

    def patch(self, url, body, if_match=None, content_type=FRAGMENT, **options):
        return self.request("PATCH", url, body, {"Content-Type": content_type, "If-Match": if_match}, **options)

    def stream(self, url, seconds):
        """The head of a response that does not end, and what came of it in that time."""
        connection, answer = self._open("GET", url, None, {"Accept": "text/event-stream"}, True)
        try:
            connection.sock.settimeout(seconds)
            response = Response(url, answer.status, answer.headers, b"")
            if response.type == "text/event-stream":
                try:
                    response.body = answer.read1(65536)
                except TimeoutError:
                    pass
            return response
        finally:
            connection.close()
