import functools
import itertools
import json
import os
import re
import tempfile
from pathlib import Path

import pytest

import media
import rtp
import whep
from chromium import launched
from player import Player
from probe import Probe
from relay import Relay
from server import BINARY, LOG_TAIL, Server


def pytest_sessionstart(session):
    if not session.config.option.collectonly and not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: build it, or say in EGRESS_BIN where it is", returncode=4)


def pytest_report_header():
    return f"egress: {BINARY}\nartifacts: {_artifacts()}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    if report.failed:
        for server in Server.running:
            report.sections.append((f"log of egress, {server.log_path}", server.log[-LOG_TAIL:]))
    return report


@functools.cache
def _artifacts():
    chosen = os.environ.get("EGRESS_E2E_ARTIFACTS")
    path = Path(chosen).resolve() if chosen else Path(tempfile.mkdtemp(prefix="egress-e2e-"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="session")
def artifacts():
    """Where logs and screenshots stay."""
    return _artifacts()


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return media.Library(tmp_path_factory.mktemp("media"))


_log_numbers = itertools.count(1)


def _log_path(request):
    name = re.sub(r"\W+", "_", request.node.name.removesuffix(".py")).strip("_")
    return _artifacts() / f"{next(_log_numbers):02}_{name}.log"


def _starter(request):
    started = []

    def start(command, *arguments, **options):
        started.append(Server.start(_log_path(request), command, *map(str, arguments), **options))
        return started[-1]

    yield start
    for server in started:
        if server.is_running:
            server.stop()


@pytest.fixture
def start_egress(request):
    """Starts servers for one test; each is stopped after it, and must end well."""
    yield from _starter(request)


@pytest.fixture(scope="module")
def server(request, tmp_path_factory):
    """`egress serve` without a stream of its own, for the tests of one file, configured as the file's CONFIGURATION says."""
    arguments = []
    if configuration := getattr(request.module, "CONFIGURATION", None):
        arguments = ["--config", tmp_path_factory.mktemp("server") / "egress.json"]
        arguments[1].write_text(json.dumps(configuration))
    starter = _starter(request)
    yield next(starter)("serve", *arguments)
    next(starter, None)


@pytest.fixture
def run_egress(request):
    """Runs the program to an end that it reaches by itself: returns exit status and what it said."""

    def run(*arguments):
        process = Server(_log_path(request), *map(str, arguments))
        return process.wait_for_end(), process.log

    return run


@pytest.fixture
def feed(request, server):
    """Registers a stream by the API and runs a real FFmpeg with the legs that come back. Both end with the test."""
    streams = []
    runs = []

    def start(stream, source, webrtc=None):
        response = server.put_stream(stream, webrtc)
        assert response.status == 201, response
        streams.append(stream)
        runs.append(rtp.FFmpeg.feeding(response.json["outputs"], _log_path(request), source))
        return server.wait_until_playable(stream)

    yield start
    for run in runs:
        run.stop()
    for stream in streams:
        server.delete_stream(stream)


@pytest.fixture
def watch():
    """Connects viewers of aiortc; those that are left are closed after the test."""
    viewers = []

    def connect(server, stream, **options):
        viewers.append(whep.Viewer(server.url(f"/whep/{stream}"), context=server.context, **options))
        return viewers[-1].connect()

    yield connect
    for viewer in viewers:
        viewer.close()


@pytest.fixture(scope="session")
def chromium():
    with launched() as browser:
        yield browser


@pytest.fixture
def open_player(chromium, request, artifacts):
    """Opens the player page of a stream, in a browser `without` a codec if one is named. A screenshot of what it shows in the end is kept."""
    players = []

    def open_page(server, stream, fragment="", url=None, without=None):
        # Certificates of the tests are nobody's that a browser knows.
        page = chromium.new_page(ignore_https_errors=server.scheme == "https")
        players.append(Player(page, (url or server.url(f"/watch/{stream}")) + fragment, without))
        return players[-1]

    yield open_page
    for number, player in enumerate(players):
        player.page.screenshot(path=artifacts / f"{request.node.name}_{number}.png")
        player.close()


@pytest.fixture
def open_probe(chromium):
    """Opens the page that measures, beside a server's own pages."""
    probes = []

    def open_page(server):
        probes.append(Probe(chromium.new_page(), server))
        return probes[-1]

    yield open_page
    for probe in probes:
        probe.close()


@pytest.fixture
def relay_to():
    """Begins links to a server that are worse than loopback."""
    relays = []

    def begin(server, **properties):
        relays.append(Relay(server.ports["udp"], **properties))
        return relays[-1].__enter__()

    yield begin
    for relay in relays:
        relay.close()
