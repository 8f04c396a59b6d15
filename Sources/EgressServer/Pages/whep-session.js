// A session of WHEP: what is asked of the server over HTTP, and what the server says by itself. It knows nothing of media.

// The server did not take the offer. The message is what it said in the body of a problem, or its status.
export class Refusal extends Error {
  constructor(status, why, retryAfter) {
    super(why);
    this.status = status;
    // In ms; null where the server says nothing of it.
    this.retryAfter = retryAfter;
  }

  static async of(response) {
    let problem = {};
    try { problem = await response.json(); } catch { /* not all that answer write problems */ }
    return new Refusal(response.status, problem.detail || problem.title || "status " + response.status, retryAfter(response));
  }
}

function retryAfter(response) {
  const value = response.headers.get("Retry-After");
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) * 1000 : null;
}

export class WHEPSession {
  #response;
  #authorization;
  #listening = new AbortController();
  #choice = Promise.resolve();

  // `authorization` gives the headers of each request: a token may be replaced while the session lasts. Throws a Refusal, or what fetch throws.
  static async open(endpoint, offer, authorization) {
    const response = await fetch(endpoint, { method: "POST", headers: { "Content-Type": "application/sdp", ...authorization() }, body: offer });
    if (response.status !== 201) throw await Refusal.of(response);
    return new WHEPSession(response, authorization);
  }

  constructor(response, authorization) {
    this.#response = response;
    this.#authorization = authorization;
    const place = response.headers.get("Location");
    this.url = place ? new URL(place, response.url).href : null;
  }

  answer() {
    return this.#response.text();
  }

  // Also from a page that is being left.
  end() {
    this.stopListening();
    if (this.url) fetch(this.url, { method: "DELETE", headers: this.#authorization(), keepalive: true }).catch(() => {});
  }

  // The status that the server answers for the session with: 404 when it has ended, 0 when nobody answers.
  async status() {
    try {
      return (await this.#get(1500)).status;
    } catch {
      return 0;
    }
  }

  // What the server says of a session that it has closed; null when it has not, or is not there to say it.
  async ending() {
    try {
      const response = await this.#get(3000);
      if (response.status !== 404) return null;
      const problem = await response.json();
      return problem.reason && problem.detail ? problem : null;
    } catch {
      return null;
    }
  }

  #get(within) {
    return fetch(this.url, { headers: this.#authorization(), cache: "no-store", signal: AbortSignal.timeout(within) });
  }

  // Where an extension of the protocol is; null where the server does not have it for this session.
  #extension(name) {
    const link = (this.#response.headers.get("Link") || "").split(/,(?=\s*<)/).find((text) => text.includes("ext:core:" + name));
    const target = link && link.match(/<([^>]*)>/);
    return target ? new URL(target[1], this.#response.url) : null;
  }

  #post(place, json, signal) {
    const headers = { ...this.#authorization(), "Content-Type": "application/json" };
    return fetch(place, { method: "POST", headers, body: JSON.stringify(json), signal });
  }

  // Whether the viewer may choose among several encodings of the video.
  get hasLayers() {
    return this.#extension("layer") !== null;
  }

  // Asks for one of the encodings by its rid, or with null for the one that the link takes. Throws a Refusal, or what fetch throws. One request
  // waits for the other: what was asked for last counts.
  choose(rid) {
    const ask = async () => {
      const response = await this.#post(this.#extension("layer"), rid === null ? {} : { encodingId: rid }, this.#listening.signal);
      if (!response.ok) throw await Refusal.of(response);
    };
    this.#choice = this.#choice.then(ask, ask);
    return this.#choice;
  }

  // Server-sent events, as far as the server has them: `heard` gets the name and the data of each, until stopListening() or end().
  async listen(names, heard) {
    const target = this.#extension("server-sent-events");
    if (!target) return;
    const { signal } = this.#listening;
    const created = await this.#post(target, names, signal);
    const place = created.headers.get("Location");
    if (created.status !== 201 || !place) return;
    // A proxy that ends what stays open for long does not end the events.
    while (!signal.aborted) {
      if (!await this.#follow(new URL(place, created.url), signal, heard).catch(() => true)) return;
      await new Promise((next) => setTimeout(next, 2000));
    }
  }

  stopListening() {
    this.#listening.abort();
  }

  // Not EventSource: it can carry no token. False when there is nothing more to be had.
  async #follow(place, signal, heard) {
    const headers = { ...this.#authorization(), "Accept": "text/event-stream" };
    const response = await fetch(place, { headers, cache: "no-store", signal });
    if (!response.ok) return response.status >= 500;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return true;
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        const field = (name) => part.split("\n").find((line) => line.startsWith(name + ":"))?.slice(name.length + 1).trim();
        if (signal.aborted) return false;
        heard(field("event"), field("data"));
      }
    }
  }
}
