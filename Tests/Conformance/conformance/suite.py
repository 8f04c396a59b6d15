"""The rows: what each one asks, how they are run, and what they are given."""

import contextlib
import dataclasses
import traceback

from . import sdp, stun
from .wire import Client

MUST, SHOULD, MAY = "MUST", "SHOULD", "MAY"
PASS, FAIL, SKIP = "pass", "FAIL", "skip"

_rows = []


class Skip(Exception):
    """A row that can't be judged here, and why."""


class Fail(Exception):
    """A row that does not hold, and what was seen instead."""


@dataclasses.dataclass
class Row:
    id: str
    level: str
    clause: str
    title: str
    check: object


def row(id, level, clause, title):
    def register(check):
        _rows.append(Row(id, level, clause, title, check))
        return check

    return register


def expect(holds, otherwise):
    if not holds:
        raise Fail(otherwise)


@dataclasses.dataclass
class Result:
    id: str
    level: str
    result: str
    clause: str
    title: str
    reason: str = ""


@dataclasses.dataclass
class Session:
    """A session as its player knows it."""

    url: str
    created: object
    remote: sdp.Credentials

    @property
    def tag(self):
        return self.created.headers["ETag"]

    @property
    def answer(self):
        return sdp.Description(self.created.text)


class Server:
    """What is tested, and what may be done to it."""

    def __init__(self, options):
        self.options = options
        self.client = Client(options.token, options.cafile)
        self.url = options.url
        self._restart = None

    def join(self, url=None, **offer):
        remote = sdp.Credentials()
        return remote, self.client.post(url or self.url, sdp.offer(remote, **offer))

    @contextlib.contextmanager
    def session(self, **offer):
        remote, created = self.join(**offer)
        if created.status in (307, 308) and created.location:
            remote, created = self.join(created.location, **offer)
        expect(created.status == 201, f"an offer got {created.status} instead of 201: {created.text[:200]}")
        expect(created.location, "the 201 has no Location")
        try:
            yield Session(created.location, created, remote)
        finally:
            self.client.request("DELETE", created.location)

    def is_there(self, session):
        return 200 <= self.client.request("GET", session.url).status < 300

    def checks_are_answered(self, description, remote):
        if self.options.no_udp:
            raise Skip("--no-udp")
        return stun.answers(description, remote)

    def restart(self, session, if_match='"*"', remote=None):
        remote = remote or sdp.Credentials()
        return remote, self.client.patch(session.url, sdp.fragment(remote, sdp.CANDIDATES[:1]), if_match)

    @property
    def restarts(self):
        """Whether ICE restarts are supported, which is optional."""
        if self._restart is None:
            with self.session() as session:
                self._restart = self.restart(session)[1].status
        return self._restart == 200

    def need_restarts(self):
        if not self.restarts:
            raise Skip(f"ICE restarts are not supported ({self._restart}), which is allowed")


def run(options, tell):
    server = Server(options)
    results = []
    for each in _rows:
        if options.only and not each.id.startswith(tuple(options.only)):
            continue
        result = Result(each.id, each.level, PASS, each.clause, each.title)
        try:
            each.check(server)
        except Skip as skip:
            result.result, result.reason = SKIP, str(skip)
        except Fail as fail:
            result.result, result.reason = FAIL, str(fail)
        except OSError as error:
            result.result, result.reason = FAIL, f"the connection failed: {error}"
        except Exception:
            result.result, result.reason = FAIL, traceback.format_exc(limit=-2)
        tell(result)
        results.append(result)
    return results
