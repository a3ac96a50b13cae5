// What was said, line by line. A caller's line shows what became of it: on its way, sent again,
// stored, cut off, refused.

import { at, clock, duration, el } from "./dom.js";

const lines = at("lines");
const log = at("log");

/** Begin with an empty page. */
export function clear() {
  lines.replaceChildren();
  at("welcome").hidden = true;
}

/** What the form says. */
export function agent(words, note = "") {
  add(el("li.agent", [who("Agent"), el("p.words", words), ...meta(note)]));
}

/** What happened to the line, the worker, the session. */
export function happened(words, kind = "plain") {
  add(el("li.event", el("p", words), { "data-kind": kind }));
}

/** What the caller says; the rest of what is known of it comes later, as `call.js` tells it.
 *  `after(turn, reply, ms, attempts)` is called once it is answered. */
export function caller(words, after) {
  const note = el("p.meta", "on its way");
  const line = el("li.caller", [who("Caller"), el("p.words", words), note], { "data-sent": "no" });
  const become = (sent, text) => {
    line.dataset.sent = sent;
    note.textContent = text;
  };
  add(line);
  return {
    waiting(attempts, error) {
      const again = `Sent again under the same utterance id (attempt ${attempts}).`;
      become("again", `${error.message} ${again}`);
    },
    answered(turn, reply, ms, attempts) {
      const again = attempts > 1 ? ` · sent ${attempts} times, applied once` : "";
      become("yes", `stored as ${turn.utterance_id} · ${duration(ms)}${again}`);
      agent(reply.say, recorded(Object.keys(reply.recorded)));
      after(turn, reply, ms, attempts);
    },
    cutOff() {
      become("unknown", "The line went before the reply came. Call back to hear whether it is stored.");
    },
    refused(error) {
      become("refused", error.message);
    },
  };
}

/** The exchanges that a session has kept, oldest first. */
export function transcript({ entries, omitted }) {
  clear();
  if (omitted) happened(`${omitted} earlier exchanges are no longer kept.`);
  let leg = 0;
  for (const entry of entries) {
    if (entry.leg > leg) happened(`Leg ${entry.leg} · ${clock(entry.at)}`);
    leg = Math.max(leg, entry.leg);
    if (entry.heard) {
      add(el("li.caller", [who("Caller"), el("p.words", entry.heard)], { "data-sent": "yes" }));
    }
    const cut = entry.heard_until === null ? "" : "interrupted";
    agent(entry.said, [recorded(entry.recorded), cut].filter(Boolean).join(" · "));
  }
}

const who = (name) => el("span.who", `${name}: `);

const meta = (note) => (note ? [el("p.meta", note)] : []);

const recorded = (fields) =>
  fields.length ? `recorded ${fields.map((field) => field.replaceAll("_", " ")).join(", ")}` : "";

function add(line) {
  at("welcome").hidden = true;
  lines.append(line);
  log.scrollTop = log.scrollHeight;
}
