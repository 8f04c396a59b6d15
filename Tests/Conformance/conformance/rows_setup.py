"""Rows about how a session begins: POST, the answer, refusals, counter-offers."""

import email.utils
import json

from . import sdp
from .suite import MAY, MUST, SHOULD, Skip, expect, row
from .wire import SDP


def _is_refused(response, what):
    expect(400 <= response.status < 500, f"{what}: {response.status} instead of 4xx")
    expect(response.location is None, f"{what}: the refusal has a Location, so something was made")


@row("P1.1", MUST, "WHEP, Error Conditions", "a POST that is not application/sdp is refused")
def _(server):
    offer = sdp.offer(sdp.Credentials())
    for content_type in ("application/json", "text/plain", "application/sdpx", None):
        _is_refused(server.client.post(server.url, offer, content_type), f"Content-Type {content_type}")


@row("P1.2", MUST, "WHEP, Error Conditions", "malformed SDP is refused")
def _(server):
    offer = sdp.offer(sdp.Credentials())
    media, password = offer.index("m="), offer.index("a=ice-pwd")
    for what, body in {"no text": "", "no SDP": "hello", "JSON": "{}", "no media": offer[:media], "cut short": offer[:password]}.items():
        _is_refused(server.client.post(server.url, body), what)


@row("P2.1", MUST, "WHEP, Server Accepts Client Offer", "an offer gets 201, application/sdp and a Location")
def _(server):
    with server.session() as session:
        expect(session.created.type == SDP, f"Content-Type is {session.created.headers['Content-Type']}")
        expect(session.answer.is_sdp, "the body is no SDP")


@row("P2.2", MUST, "RFC 9429 §5.3.1; RFC 3264 §6", "the answer has the sections of the offer, in order, with their mids")
def _(server):
    with server.session() as session:
        answer = session.answer
        expect([s.kind for s in answer.sections] == ["video", "audio"], f"sections are {[s.media for s in answer.sections]}")
        expect([s.value("mid") for s in answer.sections] == ["0", "1"], f"mids are {[s.value('mid') for s in answer.sections]}")
        expect(answer.accepted, "no section is accepted")


@row("P2.3", MUST, "RFC 9429 §5.3.1", "the answer has ICE credentials, a fingerprint and the DTLS role")
def _(server):
    with server.session() as session:
        for name in ("ice-ufrag", "ice-pwd", "fingerprint"):
            expect(session.answer.first(name), f"a={name} is missing")
        expect(session.answer.first("setup") in ("active", "passive"), f"a=setup is {session.answer.first('setup')}")


@row("P2.4", MUST, "WHEP, Trickle ICE", "offers are taken with candidates of every kind and with none")
def _(server):
    for candidates in ([], sdp.CANDIDATES[:1], sdp.CANDIDATES, sdp.CANDIDATES[2:]):
        with server.session(candidates=candidates):
            pass


@row("P2.5", MUST, "RFC 8445 §7.3", "an ICE check is answered at a candidate of the answer")
def _(server):
    with server.session() as session:
        expect(server.checks_are_answered(session.answer, session.remote), "no candidate answered; is UDP open from here?")


def _counter_offer(server, offers):
    """The first 406 that one of these offers gets, and what the others got."""
    seen = []
    for what, offer in offers.items():
        response = server.client.post(server.url, offer)
        if response.status == 201 and response.location:
            server.client.request("DELETE", response.location)
        if response.status == 406:
            return response
        seen.append(f"{what}: {response.status}")
    raise Skip(f"no counter-offer was made, which is allowed ({', '.join(seen)})")


def _mendable():
    """Offers that can't be answered although their players could play: another description of the same would do."""
    good = sdp.offer(sdp.Credentials())
    return {
        "DTLS the other way round": sdp.offer(sdp.Credentials(), setup="passive"),
        "sections that send": sdp.offer(sdp.Credentials(), direction="sendonly"),
        "no bundle": good.replace("a=group:BUNDLE 0 1\r\n", ""),
        "no codec": sdp.offer(sdp.Credentials(), codecs="none"),
    }


@row("P3.1", MUST, "WHEP, Server Sends Counter-offer", "a counter-offer is an SDP offer with a Location")
def _(server):
    response = _counter_offer(server, _mendable())
    expect(response.type == SDP and sdp.Description(response.text).is_sdp, f"it is {response.headers['Content-Type']}")
    expect(response.location, "the 406 has no Location")
    offer = sdp.Description(response.text)
    expect(offer.accepted and offer.first("ice-ufrag") and offer.first("fingerprint"), "it can't be answered")


@row("P3.2", MAY, "WHEP, Server Sends Counter-offer", "valid-until is an HTTP-date in the future")
def _(server):
    response = _counter_offer(server, _mendable())
    until = response.headers.get_param("valid-until")
    if until is None:
        raise Skip("there is none: 30 s hold")
    date = email.utils.parsedate_to_datetime(until)
    expect(until.endswith("GMT"), f"{until} is no HTTP-date")
    now = email.utils.parsedate_to_datetime(response.headers["Date"]) if response.headers["Date"] else None
    expect(now is None or date > now, f"{until} is past")


@row("P3.3", MUST, "WHEP, Server Sends Counter-offer", "its answer by PATCH gets 204, a malformed one 4xx")
def _(server):
    response = _counter_offer(server, _mendable())
    client = server.client
    expect(400 <= client.patch(response.location, "hello", content_type=SDP).status < 500, "a malformed answer is not refused")
    remote = sdp.Credentials()
    patched = client.patch(response.location, sdp.answer(response.text, remote), content_type=SDP)
    expect(patched.status == 204, f"the answer got {patched.status}: {patched.text[:200]}")
    answered = server.checks_are_answered(sdp.Description(response.text), remote)
    client.request("DELETE", response.location)
    expect(answered, "no ICE check is answered after it")


@row("P3.4", SHOULD, "RFC 9457; WHEP, HTTP usage", "what nothing can mend is refused with a problem statement")
def _(server):
    response = server.client.post(server.url, sdp.offer(sdp.Credentials(), codecs="none"))
    _is_refused(response, "an offer without a codec that exists")
    if response.status == 406:
        raise Skip("it got a counter-offer")
    expect(response.type == "application/problem+json", f"Content-Type is {response.headers['Content-Type']}")
    problem = json.loads(response.text)
    expect(problem.get("detail") or problem.get("title"), "it says nothing")


@row("P4.1", MUST, "WHEP, Media Direction Attributes", "accepted sections of an answer are sendonly")
def _(server):
    for direction in ("recvonly", "sendrecv"):
        with server.session(direction=direction) as session:
            found = [section.direction for section in session.answer.accepted]
            expect(set(found) == {"sendonly"}, f"{direction} was answered with {found}")


@row("P4.2", MUST, "WHEP, Media Direction Attributes", "sections of a counter-offer send")
def _(server):
    found = [section.direction for section in sdp.Description(_counter_offer(server, _mendable()).text).sections]
    expect(set(found) <= {"sendonly", "sendrecv"}, f"they are {found}")


@row("P5.1", MUST, "WHEP, Session Management", "a stream that is not live is 409 with Retry-After")
def _(server):
    if not server.options.idle:
        raise Skip("--idle names no endpoint")
    _, response = server.join(server.options.idle)
    if response.status == 201:
        server.client.request("DELETE", response.location)
        raise Skip("a live stream is not required here, which is allowed")
    expect(response.status == 409, f"{response.status} instead of 409")
    expect(response.headers["Retry-After"], "Retry-After is missing")


@row("P6.1", MAY, "WHEP, Load balancing and redirections", "an endpoint that is full is 503 with Retry-After")
def _(server):
    if not server.options.full:
        raise Skip("--full names no endpoint")
    places = []
    try:
        for _ in range(9):
            response = server.client.post(server.options.full, sdp.offer(sdp.Credentials()), patient=False)
            if response.status != 201:
                break
            places.append(response.location)
    finally:
        for place in places:
            server.client.request("DELETE", place)
    expect(response.status == 503, f"{response.status} instead of 503")
    expect(response.headers["Retry-After"], "Retry-After is missing")


@row("P6.2", MUST, "WHEP, Load balancing and redirections", "a redirection, where there is one, is neither 301 nor 302")
def _(server):
    _, response = server.join(server.options.moved)
    if response.status == 201:
        server.client.request("DELETE", response.location)
        expect(not server.options.moved, "--moved names an endpoint that serves its viewers itself")
        return
    expect(response.status in (307, 308), f"{response.status} instead of 307")
    expect(response.location, "Location is missing")
