// A session's state as it changes, by server-sent events.

import { address, sessionPath } from "./api.js";

const REOPEN_MS = 2_000;

/** Watch a session until the function that this returns is called.
 *  `on.state(state)`, `on.feed("live" | "lost" | "unavailable" | "ended")`. */
export function watch(sessionId, on) {
  let source;
  let timer;
  const open = () => {
    source = new EventSource(address(sessionPath(sessionId, "/events")));
    source.addEventListener("state", ({ data }) => {
      on.feed("live");
      on.state(JSON.parse(data));
    });
    source.addEventListener("unavailable", () => on.feed("unavailable"));
    source.addEventListener("end", () => {
      source.close();
      on.feed("ended");
    });
    source.addEventListener("error", () => {
      on.feed("lost");
      // A browser comes back by itself after a cut, not after an answer that was no stream.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, REOPEN_MS);
    });
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
