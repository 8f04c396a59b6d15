"""Rows about ICE over PATCH, and about what the answer says of ICE and of WebRTC."""

import time

from . import sdp
from .suite import MUST, SHOULD, Skip, expect, row
from .wire import FRAGMENT, SDP

PATCH = "WHEP, HTTP PATCH request usage"
TRICKLE = "WHEP, Trickle ICE"
RESTART = "WHEP, ICE Restarts"


def _strong(tag):
    return tag is not None and len(tag) > 2 and tag.startswith('"') and tag.endswith('"')


def _trickles(server, session):
    """Whether trickle ICE is supported, which is optional."""
    return server.client.patch(session.url, sdp.fragment(session.remote, sdp.CANDIDATES[:1]), session.tag).status < 400


@row("T1.1", MUST, PATCH, "a PATCH of another type is refused, and the session goes on")
def _(server):
    with server.session() as session:
        for content_type in ("application/json", "text/plain", SDP, None):
            body = sdp.fragment(session.remote, sdp.CANDIDATES[:1])
            status = server.client.patch(session.url, body, session.tag, content_type).status
            expect(400 <= status < 500, f"Content-Type {content_type}: {status} instead of 4xx")
        expect(server.is_there(session), "the session is gone")


@row("T1.2", MUST, PATCH, "a malformed fragment is refused, and the session goes on")
def _(server):
    with server.session() as session:
        for body in ("", "hello", "a=ice-ufrag:x\r\na=ice-pwd:y\r\n", sdp.text([*session.remote.lines, "a=candidate:1 1 udp"])):
            status = server.client.patch(session.url, body, session.tag).status
            expect(400 <= status < 500, f"{body!r}: {status} instead of 4xx")
        expect(server.is_there(session), "the session is gone")


@row("T2.1", MUST, PATCH, "when only one of trickle and restart is supported, the other is 422")
def _(server):
    with server.session() as session:
        trickle = server.client.patch(session.url, sdp.fragment(session.remote, sdp.CANDIDATES[:1]), session.tag).status
        restart = server.restart(session)[1].status
    if trickle >= 400 and restart >= 400:
        raise Skip(f"neither is supported ({trickle}, {restart}), which is allowed")
    expect(trickle < 400 or trickle == 422, f"trickle: {trickle} instead of 422")
    expect(restart < 400 or restart == 422, f"restart: {restart} instead of 422")


@row("T3.1", MUST, PATCH, "where restarts are supported, the 201 has a strong ETag, another for each session")
def _(server):
    server.need_restarts()
    with server.session() as one, server.session() as other:
        expect(_strong(one.tag), f"ETag is {one.tag}")
        expect(one.tag != other.tag, "two sessions have the same ETag")


@row("T4.1", MUST, PATCH, "a PATCH without If-Match is 428")
def _(server):
    server.need_restarts()
    with server.session() as session:
        for remote in (session.remote, sdp.Credentials()):
            status = server.client.patch(session.url, sdp.fragment(remote, sdp.CANDIDATES[:1])).status
            expect(status == 428, f"{status} instead of 428")


@row("T4.2", MUST, PATCH, "a PATCH with another ETag is 412")
def _(server):
    server.need_restarts()
    with server.session() as session:
        for remote in (session.remote, sdp.Credentials()):
            status = server.client.patch(session.url, sdp.fragment(remote, sdp.CANDIDATES[:1]), '"stale"').status
            expect(status == 412, f"{status} instead of 412")


@row("T4.3", MUST, TRICKLE, "new candidates are 204, without a body and without an ETag")
def _(server):
    with server.session() as session:
        if not _trickles(server, session):
            raise Skip("trickle ICE is not supported, which is allowed")
        response = server.client.patch(session.url, sdp.fragment(session.remote, sdp.CANDIDATES[:1]), session.tag)
        expect(response.status == 204, f"{response.status} instead of 204")
        expect(response.headers["ETag"] is None, f"ETag is {response.headers['ETag']}")
        expect(not response.body, "there is a body")


@row("T5.1", MUST, TRICKLE, "candidates of no use (TCP, .local, unknown names) are passed over, the rest is taken")
def _(server):
    with server.session() as session:
        if not _trickles(server, session):
            raise Skip("trickle ICE is not supported, which is allowed")
        for candidates in (sdp.CANDIDATES, *([candidate] for candidate in sdp.CANDIDATES)):
            status = server.client.patch(session.url, sdp.fragment(session.remote, candidates), session.tag).status
            expect(status == 204, f"{candidates}: {status} instead of 204")


@row("T6.1", MUST, RESTART, 'a restart (If-Match: "*" or *) is 200 with new credentials, candidates and a new strong ETag')
def _(server):
    server.need_restarts()
    for condition in ('"*"', "*"):
        with server.session() as session:
            _, response = server.restart(session, condition)
            expect(response.status == 200, f"If-Match {condition}: {response.status} instead of 200")
            expect(response.type == FRAGMENT, f"Content-Type is {response.headers['Content-Type']}")
            tag = response.headers["ETag"]
            expect(_strong(tag) and tag != session.tag, f"ETag was {session.tag}, is {tag}")
            new = sdp.Description(response.text)
            for name in ("ice-ufrag", "ice-pwd"):
                expect(new.first(name) and new.first(name) != session.answer.first(name), f"a={name} is {new.first(name)}")
            expect(new.candidates, "there is no candidate")


@row("T6.2", MUST, RESTART, "after a restart the old ETag is stale and the new one current")
def _(server):
    server.need_restarts()
    with server.session() as session:
        remote, response = server.restart(session)
        body = sdp.fragment(remote, sdp.CANDIDATES[:1])
        expect(server.client.patch(session.url, body, session.tag).status == 412, "the old ETag still holds")
        expect(server.client.patch(session.url, body, response.headers["ETag"]).status == 204, "the new ETag does not hold")


@row("T6.3", MUST, RESTART, "after a restart checks with the new credentials are answered")
def _(server):
    server.need_restarts()
    with server.session() as session:
        remote, response = server.restart(session)
        expect(server.checks_are_answered(sdp.Description(response.text), remote), "no candidate answered")


@row("T7.1", MUST, RESTART, "a restart that fails leaves the ICE session as it was")
def _(server):
    server.need_restarts()
    with server.session() as session:
        remote = sdp.Credentials()
        remote.pwd = "short"
        _, response = server.restart(session, remote=remote)
        expect(response.status >= 400, f"a password of five characters got {response.status}")
        expect(server.is_there(session), "the session is gone")
        status = server.client.patch(session.url, sdp.fragment(session.remote, sdp.CANDIDATES[:1]), session.tag).status
        expect(status < 400, f"the ETag does not hold any more: {status}")
        expect(server.checks_are_answered(session.answer, session.remote), "checks with the old credentials are not answered any more")


@row("T7.2", MUST, RESTART, "ice-lite and ice-options stay what they were")
def _(server):
    server.need_restarts()
    with server.session() as session:
        new = sdp.Description(server.restart(session)[1].text)
        expect(new.has("ice-lite") == session.answer.has("ice-lite"), "ice-lite changed")
        expect(new.first("ice-options") == session.answer.first("ice-options"), "ice-options changed")


@row("T8.1", MUST, TRICKLE, "the answer has the server's candidates: none can follow")
def _(server):
    with server.session() as session:
        expect(session.answer.candidates, "there is none")


@row("C1.1", MUST, "WHEP, SDP Bundle; RFC 9143 §7.3", "everything that is accepted is in one bundle")
def _(server):
    with server.session() as session:
        groups = [set(group.split()[1:]) for group in session.answer.values("group") if group.startswith("BUNDLE ")]
        mids = {section.value("mid") for section in session.answer.accepted}
        expect(any(mids <= group for group in groups), f"groups are {groups}, accepted are {mids}")


@row("C1.2", MUST, "WHEP, SDP Bundle", "every accepted section has rtcp-mux")
def _(server):
    with server.session() as session:
        expect(all(section.has("rtcp-mux") for section in session.answer.accepted), "one has not")


@row("C1.3", MUST, "WHEP, SDP Bundle", "every accepted section has rtcp-mux-only")
def _(server):
    with server.session() as session:
        expect(all(section.has("rtcp-mux-only") for section in session.answer.accepted), "one has not")


@row("C1.4", MUST, "WHEP, Single MediaStream", "one audio and one video section at most, all of one MediaStream")
def _(server):
    with server.session() as session:
        accepted = session.answer.accepted
        kinds = [section.kind for section in accepted]
        expect(len(kinds) == len(set(kinds)), f"sections are {kinds}")
        streams = {(section.value("msid") or "").split(" ")[0] for section in accepted}
        expect(len(streams) == 1 and "" not in streams, f"msids are {[section.value('msid') for section in accepted]}")


@row("C2.1", SHOULD, "WHEP, Session Management; RFC 7675", "a session that no check ever reaches ends by itself")
def _(server):
    if not server.options.slow:
        raise Skip("takes up to a minute: --slow")
    with server.session() as session:
        deadline = time.monotonic() + 60
        while server.is_there(session):
            expect(time.monotonic() < deadline, "it is there after a minute")
            time.sleep(1)
