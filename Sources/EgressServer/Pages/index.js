// The list of streams: at first as the page brought it, then as the server has it every two seconds.

import { codecName } from "./codec-names.js";

// Behind the address, where it is sent to nobody: no server sees it, no log has it.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
addEventListener("hashchange", () => location.reload());

const list = document.getElementById("streams");
const empty = document.getElementById("empty");

function span(className, text) {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}

// Each once, in the order in which viewers are offered them.
function codecs(stream) {
  return [...new Set((stream.encodings ?? []).map((encoding) => codecName(encoding.codec)))].join(", ");
}

function item(stream) {
  const line = document.createElement("li");
  const name = document.createElement("a");
  name.className = "name";
  name.href = "watch/" + encodeURIComponent(stream.id) + (token ? location.hash : "");
  name.textContent = stream.id;
  line.append(name, span("state " + stream.state, stream.state), span("dim", stream.viewers + (stream.viewers === 1 ? " viewer" : " viewers")));
  if (codecs(stream)) line.append(span("dim codecs", codecs(stream)));
  if (stream.has_b_frames) line.append(span("warning", "B-frames"));
  return line;
}

let shown = null;

function show(streams) {
  // A link that is being clicked or has the focus stays the same element unless something has changed.
  const fresh = JSON.stringify(streams.map((s) => [s.id, s.state, s.viewers, codecs(s), s.has_b_frames]));
  if (fresh !== shown) {
    shown = fresh;
    list.replaceChildren(...streams.map(item));
  }
  empty.textContent = "No stream is running.";
  empty.hidden = streams.length > 0;
}

function refuse() {
  list.replaceChildren();
  empty.textContent = token
    ? "The token behind the address of this page is not that of the API."
    : "This list needs the token of the API, behind the address of this page: #token=…";
  empty.hidden = false;
}

async function refresh() {
  try {
    const headers = token ? { "Authorization": "Bearer " + token } : {};
    const response = await fetch("api/v1/streams", { cache: "no-store", headers });
    if (response.status === 401 || response.status === 403) {
      clearInterval(timer);
      return refuse();
    }
    if (response.ok) show((await response.json()).streams);
  } catch {
    // The server is away; the next turn asks again.
  }
}

// Null where the list is not for everybody: then it is asked for with the token.
const streams = JSON.parse(list.dataset.streams);
if (streams) show(streams);
const timer = setInterval(() => { if (!document.hidden) refresh(); }, 2000);
refresh();
