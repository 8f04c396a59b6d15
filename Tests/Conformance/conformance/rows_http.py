"""Rows about the resources as such: GET, HEAD, OPTIONS, DELETE, CORS, authorisation, links and extensions."""

import json
import re
from urllib.parse import urlsplit

from . import sdp
from .suite import MAY, MUST, SHOULD, Skip, expect, row
from .wire import SDP

EXPOSED = {"location", "etag", "link", "retry-after", "accept-post"}
EVENTS = "urn:ietf:params:whep:ext:core:server-sent-events"
EXTENSION = "urn:ietf:params:whep:ext:"
CORS = "WHEP, Playback session termination; Fetch §3.2"


def _preflight(server, url, method):
    headers = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization, content-type, if-match"}
    return server.client.request("OPTIONS", url, headers=headers, authorize=False)


def _allows(response, method):
    expect(200 <= response.status < 300, f"a preflight of {method} got {response.status}")
    expect(response.headers["Access-Control-Allow-Origin"], f"a preflight of {method} allows no origin")
    methods, headers = response.names("Access-Control-Allow-Methods"), response.names("Access-Control-Allow-Headers")
    expect(method.lower() in methods or "*" in methods, f"{method} is not among the methods {methods}")
    for name in ("authorization", "content-type", "if-match"):
        # A star does not stand for Authorization (Fetch §3.2.3).
        expect(name in headers or ("*" in headers and name != "authorization"), f"{name} is not among the headers {headers}")


@row("G1.1", MUST, "WHEP, HTTP usage", "GET on the endpoint is 2xx without content")
def _(server):
    response = server.client.request("GET", server.url)
    expect(200 <= response.status < 300 and not response.body, f"{response.status} with {len(response.body)} bytes")


@row("G1.2", MUST, "WHEP, HTTP usage", "GET on the session is 2xx without content")
def _(server):
    with server.session() as session:
        response = server.client.request("GET", session.url)
        expect(200 <= response.status < 300 and not response.body, f"{response.status} with {len(response.body)} bytes")


@row("G2.1", SHOULD, "WHEP (editor's copy), discovery", "HEAD on the endpoint is 200 and application/sdp")
def _(server):
    response = server.client.request("HEAD", server.url)
    expect(response.status == 200, f"{response.status} instead of 200")
    expect(response.type == SDP, f"Content-Type is {response.headers['Content-Type']}")


@row("O1.1", MUST, CORS, "OPTIONS on the endpoint is served, and a preflight needs no token")
def _(server):
    _allows(_preflight(server, server.url, "POST"), "POST")


@row("O1.2", MUST, CORS, "a preflight on the session allows PATCH and DELETE")
def _(server):
    with server.session() as session:
        for method in ("PATCH", "DELETE"):
            _allows(_preflight(server, session.url, method), method)


@row("O1.3", SHOULD, "WHEP, Playback session termination", "OPTIONS is 200 with Accept-Post: application/sdp")
def _(server):
    for response in (server.client.request("OPTIONS", server.url), _preflight(server, server.url, "POST")):
        expect(response.status == 200, f"{response.status} instead of 200")
        expect(SDP in response.names("Accept-Post"), f"Accept-Post is {response.headers['Accept-Post']}")


@row("O2.1", SHOULD, "RFC 9725 §4.6", "a preflight tells of no ICE servers")
def _(server):
    rels = [parameters.get("rel") for _, parameters in _preflight(server, server.url, "POST").links]
    expect("ice-server" not in rels, "it does")


@row("D1.1", MUST, "WHEP, Playback session termination", "DELETE ends the session with 200, whatever If-Match says")
def _(server):
    for condition in (None, '"stale"'):
        with server.session() as session:
            response = server.client.request("DELETE", session.url, headers={"If-Match": condition})
            expect(response.status == 200, f"If-Match {condition}: {response.status} instead of 200")


@row("D1.2", SHOULD, "RFC 9110 §15.5.5", "what was deleted is not found any more")
def _(server):
    with server.session() as session:
        server.client.request("DELETE", session.url)
        for method in ("DELETE", "GET", "PATCH"):
            status = server.client.request(method, session.url).status
            expect(status in (404, 410), f"{method} got {status}")


@row("D1.3", MUST, "WHEP, Playback session termination; RFC 7675 §5.2", "after DELETE no ICE check is answered")
def _(server):
    with server.session() as session:
        expect(server.checks_are_answered(session.answer, session.remote), "none is answered before it either")
        server.client.request("DELETE", session.url)
        expect(not server.checks_are_answered(session.answer, session.remote), "they still are")


@row("A1.1", MUST, "WHEP, Bearer token authentication", "a bearer token is understood on POST, PATCH and DELETE")
def _(server):
    if not server.options.token:
        raise Skip("there is no --token")
    with server.session() as session:
        for method in ("POST", "PATCH", "DELETE"):
            url = server.url if method == "POST" else session.url
            body = None if method == "DELETE" else sdp.offer(session.remote)
            response = server.client.request(method, url, body, {"Content-Type": SDP}, authorize=False)
            expect(response.status in (401, 403), f"{method} without a token got {response.status}")
            if response.status == 401:
                expect(response.headers["WWW-Authenticate"], "the 401 has no WWW-Authenticate (RFC 9110 §15.5.2)")
        expect(server.is_there(session), "a request without a token ended the session")
        expect(server.client.request("DELETE", session.url).status == 200, "DELETE with the token is refused")


@row("A1.2", SHOULD, "WHEP, Bearer token authentication", "a token that nobody asked for does no harm")
def _(server):
    if server.options.token:
        raise Skip("this endpoint asks for one")
    response = server.client.request(
        "POST", server.url, sdp.offer(sdp.Credentials()), {"Content-Type": SDP, "Authorization": "Bearer none"}
    )
    expect(response.status == 201, f"{response.status} instead of 201")
    server.client.request("DELETE", response.location)


def _refusals(server, method, headers):
    """What who has no permission gets, on the endpoint and on a session, and whether the session is there afterwards."""
    if not server.options.token:
        raise Skip("there is no --token")
    with server.session() as session:
        body = sdp.offer(session.remote) if method == "POST" else None
        url = server.url if method == "POST" else session.url
        response = server.client.request(method, url, body, {"Content-Type": SDP} | headers, authorize=False)
        expect(server.is_there(session), f"{method} that got {response.status} ended the session")
    return response


@row("A1.3", MUST, "RFC 6750 §3", "who has no token, or a wrong one, is challenged to bring a bearer token")
def _(server):
    for headers in ({}, {"Authorization": "Bearer none-that-is-good"}):
        for method in ("POST", "DELETE"):
            response = _refusals(server, method, headers)
            expect(response.status == 401, f"{method} with {headers or 'no token'} got {response.status}")
            challenge = response.headers["WWW-Authenticate"] or ""
            expect(challenge.lower().startswith("bearer"), f"WWW-Authenticate is {challenge}")


@row("A1.4", SHOULD, "RFC 6750 §3.1", "a wrong token is told so, by error=\"invalid_token\"; its absence is not")
def _(server):
    challenge = _refusals(server, "POST", {"Authorization": "Bearer none-that-is-good"}).headers["WWW-Authenticate"] or ""
    expect('error="invalid_token"' in challenge, f"WWW-Authenticate is {challenge}")
    challenge = _refusals(server, "POST", {}).headers["WWW-Authenticate"] or ""
    expect("error=" not in challenge, f"without a token WWW-Authenticate is {challenge}")


@row("A1.5", SHOULD, "Fetch §3.2 (practice)", "scripts of other origins may read that a token is needed")
def _(server):
    response = _refusals(server, "POST", {})
    expect(response.headers["Access-Control-Allow-Origin"], f"the {response.status} allows no origin")


@row("A1.6", MUST, "WHEP, Security Considerations", "a session can't be used with a token that is not good")
def _(server):
    for method in ("PATCH", "DELETE"):
        response = _refusals(server, method, {"Authorization": "Bearer none-that-is-good"})
        expect(response.status in (401, 403), f"{method} got {response.status}")


@row("L1.1", MAY, "WHEP, STUN/TURN server configuration; RFC 9725 §4.6", "Link names ICE servers by URLs, TURN with credentials")
def _(server):
    with server.session() as session:
        servers = [link for link in session.created.links if link[1].get("rel") == "ice-server"]
    if not servers:
        raise Skip("there are none, which is allowed")
    for target, parameters in servers:
        expect(re.match(r"(stun|turn)s?:", target), f"{target} is no URL of an ICE server")
        if target.startswith("turn"):
            expect({"username", "credential"} <= parameters.keys(), f"{target} comes without credentials")


@row("X1.1", MUST, "WHEP, Protocol extensions", "there is one Link for each extension, and none is needed")
def _(server):
    with server.session() as session:
        rels = [parameters.get("rel", "") for _, parameters in session.created.links]
    extensions = [rel for rel in rels if rel.startswith(EXTENSION)]
    if not extensions:
        raise Skip("there are none, which is allowed")
    expect(len(extensions) == len(set(extensions)), f"they are {extensions}")


def _events(session):
    found = [target for target, parameters in session.created.links if parameters.get("rel") == EVENTS]
    if not found:
        raise Skip("server-sent events are not supported, which is allowed")
    return found[0]


@row("X1.2", MUST, "WHEP events", "who asks for known events gets 201 and a Location that streams them")
def _(server):
    with server.session() as session:
        created = server.client.post(_events(session), json.dumps(["active", "inactive", "viewercount"]), "application/json")
        expect(created.status == 201 and created.location, f"{created.status}, Location {created.location}")
        stream = server.client.stream(created.location, seconds=5)
        expect(stream.status == 200 and stream.type == "text/event-stream", f"{stream.status}, {stream.type}")
        expect(not stream.body or b"event:" in stream.body or stream.body.startswith(b":"), f"it streams {stream.body[:80]}")


@row("X1.3", MUST, "WHEP events", "an event that is not known is 400")
def _(server):
    with server.session() as session:
        status = server.client.post(_events(session), json.dumps(["no-such-event"]), "application/json").status
        expect(status == 400, f"{status} instead of 400")


@row("S1.1", SHOULD, "WHEP, Security Considerations", "session URLs differ and can't be guessed (as long as a UUID)")
def _(server):
    with server.session() as one, server.session() as other:
        expect(one.url != other.url, "two sessions have one URL")
        longest = max(re.split(r"[/?=]", urlsplit(one.url).path + "?" + urlsplit(one.url).query), key=len)
        expect(len(longest) >= 20, f"the longest part of {one.url} has {len(longest)} characters")


@row("S1.2", MUST, "WHEP, Security Considerations", "sessions that do not exist can't be ended or changed")
def _(server):
    with server.session() as session:
        other = session.url[:-4] + ("0000" if session.url[-4:] != "0000" else "1111")
        for method in ("DELETE", "PATCH"):
            status = server.client.request(method, other).status
            expect(400 <= status < 500, f"{method} got {status}")
        expect(server.is_there(session), "the session is gone")


@row("Q1.1", SHOULD, "Fetch §3.2.2 (practice)", "browsers may read Location, ETag, Link, Retry-After and Accept-Post, of refusals too")
def _(server):
    with server.session() as session:
        responses = [session.created, server.client.post(server.url, "hello"), server.client.patch(session.url, "hello")]
    for response in responses:
        expect(response.headers["Access-Control-Allow-Origin"], f"the {response.status} allows no origin")
        missing = EXPOSED - response.names("Access-Control-Expose-Headers")
        expect(not missing, f"the {response.status} does not expose {', '.join(sorted(missing))}")


@row("Q1.2", SHOULD, "practice", "a PATCH that is not WHEP's does not end the session")
def _(server):
    with server.session() as session:
        server.client.patch(session.url, '{"candidate": "candidate:1 1 udp 1 192.0.2.1 1 typ host"}', content_type="application/json")
        server.client.patch(session.url, "a=" + sdp.CANDIDATES[0])
        expect(server.is_there(session), "it does")
