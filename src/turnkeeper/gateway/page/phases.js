// The line as the page shows it: its name, its buttons, what the conversation notes.

import * as conversation from "./conversation.js";
import { at } from "./dom.js";

const PHASES = {
  idle: { name: "No call", buttons: [] },
  ringing: { name: "Ringing ...", buttons: ["drop"] },
  live: { name: "On the line", buttons: ["drop", "hang-up"] },
  dropped: { name: "Line lost", note: "The line is lost. Nobody hung up.", buttons: ["call-back"] },
  over: { name: "Call ended", note: "The call has ended.", buttons: ["call-back"] },
  transferred: { name: "Transferred", note: "The caller is transferred.", buttons: ["call-back"] },
  superseded: {
    name: "Taken over",
    note: "A newer call of this caller has taken over. This line is no longer heard.",
    buttons: ["call-back"],
  },
  failed: { name: "No call", buttons: [] },
  watching: { name: "Looking on", buttons: ["call-back"] },
  overhearing: { name: "Looking on", buttons: [] }, // Who the caller is, this page was not told.
};
const LINE_BUTTONS = ["call-back", "drop", "hang-up"];
const CALL_BACK = { watching: "Call as this caller", superseded: "Take it back" };
const BUSY = new Set(["ringing", "live"]);

/** Show a phase. The focus goes where the next key is: to what to say, or to calling back. */
export function showPhase(phase) {
  const { name, note, buttons } = PHASES[phase];
  const hadFocus = at("talk").contains(document.activeElement);
  at("phase").textContent = name;
  at("phase").dataset.phase = phase;
  at("call-back").textContent = CALL_BACK[phase] ?? "Call back";
  for (const button of LINE_BUTTONS) at(button).hidden = !buttons.includes(button);
  at("start-fields").disabled = BUSY.has(phase);
  at("composer-fields").disabled = phase !== "live";
  if (phase !== "live") at("say").placeholder = "Start a call to speak";
  if (note) conversation.happened(note, phase);
  if (phase === "live") at("say").focus();
  else if (hadFocus && buttons.includes("call-back")) at("call-back").focus();
}

const ANSWERS = {
  boolean: "yes or no",
  confirmation: "yes or no",
  date: "a date",
  digits: "digits",
  email: "an email address",
  name: "a name",
  number: "a number",
  phone: "a phone number",
  postal_code: "a postal code",
  text: "it in your own words",
  time: "a time",
};

/** Say what kind of answer is waited for, where the caller types. */
export function showExpected(expects) {
  at("say").placeholder = expects ? `Say ${described(expects)}` : "Say something";
}

function described({ type, choices, min_digits: low, max_digits: high }) {
  if (choices.length) return choices.join(", ");
  if (type === "digits" && high) return low === high ? `${high} digits` : `up to ${high} digits`;
  return ANSWERS[type] ?? "something";
}
