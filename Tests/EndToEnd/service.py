"""Small HTTP services that stand beside the server: one that decides who may watch, a reverse proxy, files, a live playlist."""

import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Service:
    """On loopback, at a port of the system's choice, until the block ends."""

    def __init__(self, handler):
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def url(self, path="/"):
        return f"http://127.0.0.1:{self._http.server_port}{path}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()


class Decider(Service):
    """Answers the authorisation hook with the status that `decide(question)` gives; `None` is no answer as long as it runs."""

    def __init__(self, decide):
        self.questions = []
        self._end = threading.Event()
        decider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                decider.questions.append(question)
                status = decide(question)
                if status is None:
                    decider._end.wait()
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                # A connection that is kept would be answered on after the end.
                self.send_header("Connection", "close")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    def __exit__(self, *_):
        self._end.set()
        super().__exit__()


class Proxy(Service):
    """Passes requests on to a server and adds to X-Forwarded-For, as reverse proxies do. It serves under `prefix`, which it keeps or takes off."""

    def __init__(self, server, prefix, strips, client="203.0.113.7"):
        class Handler(BaseHTTPRequestHandler):
            def forward(self):
                if not self.path.startswith(prefix + "/"):
                    self.send_error(404)
                    return
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                fields = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "x-forwarded-for")}
                before = self.headers["X-Forwarded-For"]
                fields["X-Forwarded-For"] = f"{before}, {client}" if before else client
                connection = http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=30)
                try:
                    connection.request(self.command, self.path[len(prefix) :] if strips else self.path, body, fields)
                    answer = connection.getresponse()
                    content = answer.read()
                finally:
                    connection.close()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = forward

            def log_message(self, *_):
                pass

        super().__init__(Handler)
        self.prefix = prefix


class Files(Service):
    """Serves the files of a folder, with ranges, as any web server does. What `lists` makes for a path is served in place of a file."""

    def __init__(self, folder, lists=None):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                try:
                    super().handle()
                except ConnectionError:
                    # A player may hang up at any time.
                    pass

            def do_GET(self):
                name = self.path.partition("?")[0].lstrip("/")
                made = lists(name) if lists else None
                path = folder / name
                if made is None and not path.is_file():
                    self.send_error(404)
                    return
                content = made if made is not None else path.read_bytes()
                begin, end = self.range(len(content))
                self.send_response(206 if "Range" in self.headers else 200)
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(end - begin))
                if "Range" in self.headers:
                    self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(content)}")
                self.end_headers()
                self.wfile.write(content[begin:end])

            def range(self, size):
                first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
                return int(first), min(int(last) + 1 if last else size, size)

            def log_message(self, *_):
                pass

        super().__init__(Handler)


class LiveHLS(Files):
    """Segments of a folder (`0.ts`, `1.ts` …, all of one length) as a live playlist, which has begun before the block does, so that nobody has to
    wait for it to fill. Over and over, with a discontinuity where it begins again."""

    LISTED = 5

    def __init__(self, folder, count, seconds):
        self._count, self._seconds = count, seconds
        self._begin = time.monotonic() - self.LISTED * seconds
        # How much later than they should segments appear from now on.
        self.late = 0.0
        super().__init__(folder, self._playlist)

    def _playlist(self, name):
        if name != "live.m3u8":
            return None
        newest = int((time.monotonic() - self._begin - self.late) / self._seconds)
        first = newest - self.LISTED
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{self._seconds}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        for number in range(first, newest):
            if number % self._count == 0:
                lines.append("#EXT-X-DISCONTINUITY")
            lines += [f"#EXTINF:{self._seconds:.3f},", f"{number % self._count}.ts"]
        return ("\n".join(lines) + "\n").encode()
