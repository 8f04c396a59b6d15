"""Server-sent events of a session, read in a thread."""

import http.client
import json
import threading
from urllib.parse import urljoin, urlsplit

from client import request
from waiting import PATIENCE


class Listener:
    """[(name, data)] as they come."""

    def __init__(self, session, *names):
        created = request("POST", f"{session}/events", json.dumps(names), "application/json")
        assert created.status == 201, created
        parts = urlsplit(urljoin(session, created.headers["Location"]))
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
        self._connection.request("GET", parts.path)
        self._response = self._connection.getresponse()
        assert self._response.status == 200
        self.events = []
        self.has_ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        name = None
        try:
            for line in self._response:
                text = line.decode().rstrip("\r\n")
                if text.startswith("event: "):
                    name = text.removeprefix("event: ")
                elif text.startswith("data: "):
                    self._note((name, json.loads(text.removeprefix("data: "))))
        except (OSError, http.client.HTTPException):
            pass  # The server is gone.
        with self._changed:
            self.has_ended = True
            self._changed.notify_all()

    def _note(self, event):
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait_for(self, name, within=PATIENCE):
        """The data of the first event of that name."""
        with self._changed:
            if not self._changed.wait_for(lambda: any(event == name for event, _ in self.events) or self.has_ended, within):
                raise AssertionError(f"no event {name} within {within:g} s, but {self.events}")
            found = [data for event, data in self.events if event == name]
            assert found, f"the events ended without {name}: {self.events}"
            return found[0]

    def wait_for_end(self, within=PATIENCE):
        with self._changed:
            assert self._changed.wait_for(lambda: self.has_ended, within), "the events go on"
