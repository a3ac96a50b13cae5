// The session as it is stored: fields, turns, legs, facts.

import { get, sessionPath, untilAnswered } from "./api.js";
import { at, clock, duration, el, spaced } from "./dom.js";

const KEPT_LATENCIES = 12;
const OPEN = new Set(["collecting", "confirming"]);
const definitions = new Map(); // By session and epoch: the form that a session goes by.

let shown = null; // The session and epoch on the panel.
let values = {};
let latencies = [];

/** The panel for another session: what it showed is gone. */
export function begin(sessionId) {
  if (shown?.startsWith(`${sessionId} `)) return;
  [shown, values, latencies] = [null, {}, []];
  showLatencies();
  at("facts").hidden = at("status").hidden = true;
  at("no-state").hidden = false;
}

/** Show a state; `mine` is the number of this page's leg, if it has one. */
export async function show(state, mine) {
  const key = `${state.session_id} ${state.epoch}`;
  if (key !== shown) [shown, values] = [key, {}];
  const form = await definition(key, state);
  if (key !== shown) return; // Another session was chosen meanwhile.
  at("no-state").hidden = true;
  at("facts").hidden = at("status").hidden = false;
  at("status").textContent = spaced(state.status);
  at("status").dataset.status = state.status;
  showProgress(state.progress);
  at("fields").replaceChildren(...form.fields.map((field) => fieldRow(field, state)));
  at("legs").replaceChildren(...state.legs.toReversed().map((leg) => legRow(leg, mine)));
  at("details").replaceChildren(...facts(state, form).flatMap(([name, told]) =>
    [el("dt", name), el("dd", told)]));
  at("hand-off").disabled = !OPEN.has(state.status);
  at("cancel").disabled = !OPEN.has(state.status) && state.status !== "handed_off";
  values = state.form_answers;
}

/** A turn of this page was answered. */
export function took(utterance, leg, ms, attempts) {
  latencies = [...latencies, { utterance, leg, ms, attempts }].slice(-KEPT_LATENCIES);
  showLatencies();
}

async function definition(key, state) {
  if (!definitions.has(key)) {
    definitions.set(key, untilAnswered(() => get(sessionPath(state.session_id))));
  }
  return (await definitions.get(key)).definition;
}

function showProgress({ done, total }) {
  at("progress").max = Math.max(total, 1);
  at("progress").value = done;
  at("progress-text").textContent = `${done} of ${total}`;
}

function fieldRow(field, state) {
  const name = field.name;
  const answered = name in state.form_answers;
  const reading = state.confirming?.field === name;
  const standing = reading ? "reading" : state.field === name ? "asked" : answered ? "known" : "open";
  const row = el("li", [
    el("span.name", field.label || spaced(name)),
    el("span.value", answered ? shownValue(state.form_answers[name]) : NOTES[standing](field)),
  ], { "data-standing": standing });
  if (reading && !answered) row.lastChild.textContent = `${shownValue(state.confirming.value)}?`;
  if (answered && state.form_answers[name] !== values[name]) row.classList.add("new");
  return row;
}

/** In place of a value that is not there yet. */
const NOTES = {
  asked: () => "asked now",
  reading: () => "read back now",
  open: (field) => (field.when ? `if ${field.when}` : field.required ? spaced(field.type) : "optional"),
};

const WORDS = new Map([[true, "yes"], [false, "no"], [null, "none"]]);
const shownValue = (value) => WORDS.get(value) ?? String(value);

function legRow(leg, mine) {
  const closed = leg.closed_at
    ? `${spaced(leg.reason || "closed")} at ${clock(leg.closed_at)}`
    : "open";
  const own = leg.number === mine ? " (this page)" : "";
  return el("li", [
    el("span.number", `${leg.number}`),
    el("span.name", `${leg.channel || "unnamed channel"}${own}`),
    el("span.value", `${clock(leg.opened_at)}, ${closed}`),
  ], { "data-open": leg.closed_at ? "no" : "yes" });
}

function facts(state, form) {
  const last = state.last_turn;
  const rows = [
    ["Form", `${form.title || spaced(form.form)}, version ${state.form_version}`],
    ["Last turn", last ? `“${last.heard}” · ${last.utterance_id}, leg ${last.leg}, ${clock(last.at)}` : "none"],
    ["Turns", `${state.turns}`],
    ["Began", clock(state.created_at)],
    ["Session", el("code", state.session_id)],
  ];
  if (state.delivery) rows.splice(1, 0, ["Delivery", spaced(state.delivery.state)]);
  if (state.confirming && !state.confirming.field) rows.unshift(["Asked", "whether all of it is right"]);
  return rows;
}

function showLatencies() {
  at("no-latencies").hidden = latencies.length > 0;
  const longest = Math.max(...latencies.map(({ ms }) => ms), 1);
  at("latencies").replaceChildren(...latencies.map(({ utterance, leg, ms, attempts }) => {
    const bar = el("span.bar", [], { "aria-hidden": "true" });
    bar.style.inlineSize = `${Math.max(100 * (ms / longest), 2)}%`;
    const again = attempts > 1 ? `, sent ${attempts} times` : "";
    return el("li", [
      el("span.name", `${utterance}, leg ${leg}`),
      el("span.track", bar),
      el("span.value", duration(ms) + again),
    ]);
  }));
}
