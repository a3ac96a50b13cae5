// A session's state as it changes, by server-sent events (HTML Living Standard, 9.2). They are read
// with `fetch`: a browser's EventSource cannot send the token in a header, and in an address it
// would be seen.

import { address, sessionPath } from "./api.js";
import { askForToken, authorization } from "./token.js";

const REOPEN_MS = 2_000;

/** Watch a session until the function that this returns is called.
 *  `on.state(state)`, `on.feed("live" | "lost" | "unavailable" | "ended")`. */
export function watch(sessionId, on) {
  const stopped = new AbortController();
  const told = {
    state: (data) => (on.feed("live"), on.state(data)),
    unavailable: () => on.feed("unavailable"),
    end: () => on.feed("ended"),
  };
  keepReading(sessionId, told, stopped.signal, () => on.feed("lost"));
  return () => stopped.abort();
}

async function keepReading(sessionId, told, signal, onLost) {
  while (!signal.aborted) {
    try {
      const response = await fetch(address(sessionPath(sessionId, "/events")), {
        headers: { Accept: "text/event-stream", ...authorization() },
        cache: "no-store",
        signal,
      });
      if (response.status === 401) {
        await askForToken();
        continue;
      }
      if (response.ok && (await read(response.body, told))) return;
    } catch {
      // The connection went, or was let go of: what follows is the same.
    }
    if (signal.aborted) return;
    onLost();
    await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
  }
}

/** Tell what a stream says; whether it has said that this is all. */
async function read(body, told) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    const events = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const { name, data } = parsed(event);
      if (name in told) told[name](JSON.parse(data));
      if (name === "end") return true;
    }
  }
}

/** The fields of one event; a comment has none. */
function parsed(event) {
  const fields = event.split("\n").map((line) => line.split(/: ?(.*)/s));
  const of = (name) => fields.filter(([key]) => key === name).map(([, value]) => value);
  return { name: of("event").at(-1), data: of("data").join("\n") };
}
