"""Firefox, which the tests can't drive: it opens a page that does its work alone and reports to the server that it came from."""

import http.server
import json
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from waiting import PATIENCE

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")

# Candidates on loopback, sound without a click, and nothing from or to the outside.
PREFERENCES = {
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.gmp-manager.url": "",
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:1",
    "toolkit.telemetry.enabled": False,
}


def run(page, cases, log_path, within=PATIENCE, meanwhile=None):
    """What the page made of the cases. `meanwhile` is called when the page asks for it, and waits until it is done."""
    done = threading.Event()
    results = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(json.dumps(cases) if self.path == "/cases" else page, "application/json" if self.path == "/cases" else "text/html")

        def do_POST(self):
            if self.path == "/meanwhile":
                meanwhile()
                self._answer("", "text/plain")
                return
            results.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer("", "text/plain")
            done.set()

        def _answer(self, text, content_type):
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with tempfile.TemporaryDirectory() as profile, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        lines = (f'user_pref("{name}", {json.dumps(value)});\n' for name, value in PREFERENCES.items())
        Path(profile, "user.js").write_text("".join(lines))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/#alone"
        with open(log_path, "wb") as log:
            command = [PROGRAM, "--headless", "--no-remote", "--profile", profile, url]
            browser = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            try:
                assert done.wait(within), f"Firefox did not report within {within:g} s: {log_path}"
            finally:
                browser.terminate()
                try:
                    browser.wait(10)
                except subprocess.TimeoutExpired:
                    browser.kill()
                    browser.wait()
                server.shutdown()
    return results
