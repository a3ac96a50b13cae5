// The list of sessions: running ones first.

import { get } from "./api.js";
import { at, clock, el, spaced } from "./dom.js";

const LISTED = 30;
const EVERY_MS = 10_000;

/** Read the list now and, while the page is looked at, every now and then. `choose(row)` is called
 *  with the one that somebody picks. */
export function keepListing(choose) {
  let running = 0;
  const read = async () => {
    const turn = ++running;
    try {
      const { sessions } = await get(`v1/sessions?limit=${LISTED}`);
      if (turn === running) show(sessions, choose);
    } catch (error) {
      if (turn === running) at("list-note").textContent = error.message;
    }
  };
  at("refresh").addEventListener("click", read);
  setInterval(() => document.visibilityState === "visible" && read(), EVERY_MS);
  read();
  return read;
}

const callers = new Map(); // By session: an id tells nothing of its caller.

/** Remember, while this page is open, who was called by it. */
export const remember = (sessionId, caller) => callers.set(sessionId, caller);

/** The caller of a session, if this page called them. */
export const callerOf = (sessionId) => callers.get(sessionId) ?? null;

const nameOf = (sessionId) => callerOf(sessionId) ?? `Caller ${sessionId.slice(-6)}`;

function show(sessions, choose) {
  at("list-note").textContent = sessions.length ? "" : "None yet.";
  const kept = document.activeElement?.dataset.session; // The focus stays with its session.
  at("sessions").replaceChildren(...sessions.map((session) => row(session, choose)));
  if (kept) document.querySelector(`[data-session="${CSS.escape(kept)}"]`)?.focus();
}

function row(session, choose) {
  const button = el("button.row", [
    el("span.name", nameOf(session.session_id)),
    el("span.value", `${spaced(session.form)} · ${clock(session.started_at)}`),
    // Not the asked field: the list has it as it was when the caller last hung up.
    el("span.standing", spaced(session.status ?? "running")),
  ], { type: "button", "data-session": session.session_id, "data-running": session.running });
  button.addEventListener("click", () => choose(session));
  return el("li", button);
}
