// The console: what the buttons do, and which session is on the page.

import { get, post, sessionPath, untilAnswered } from "./api.js";
import { Call } from "./call.js";
import * as conversation from "./conversation.js";
import { at, duration, el, tell } from "./dom.js";
import { keypad } from "./keypad.js";
import * as panel from "./panel.js";
import { showExpected, showPhase } from "./phases.js";
import { callerOf, keepListing, remember } from "./sessions.js";
import { Voice } from "./voice.js";
import { watch } from "./watch.js";

const FEEDS = {
  live: "Live",
  lost: "Connection lost, coming back ...",
  unavailable: "Store cannot be reached",
  ended: "Session ended",
};
const EVENTS = { noinput: "(silence)", nomatch: "(not understood)" };

let target = null; // Whom "call back" calls: form and caller.
let call = null; // The newest call of this page, in whatever phase; null while it only looks on.
let watched = null; // The id of the session on the page.
let unwatch = () => {};
let expects = null; // What the newest reply says of the next answer.
let version = -1; // Of the transcript that is on the page, while it only looks on.
let config = { ui_url: null, kill_worker: false };

// --- a call ---------------------------------------------------------------------------------------

const line = {
  phase: showPhase,
  waiting: (error) => tell("start-problem", `${error.message} Ringing again ...`),
  problem: (error) => conversation.happened(error.message, "problem"),
};

async function ring(form, caller) {
  target = { form, caller };
  call = new Call(form, caller, line);
  try {
    const opened = await call.open();
    if (opened) {
      remember(opened.session_id, caller);
      await begin(opened);
    }
    tell("start-problem");
  } catch (error) {
    tell("start-problem", error.message);
    at("caller").focus();
  }
}

async function begin(opened) {
  if (opened.created) conversation.clear();
  else if (opened.session_id !== watched || version >= 0) await showTranscript(opened.session_id, -1);
  version = -1;
  clearKeys();
  conversation.happened(`Leg ${opened.leg}: ${found(opened)}.`);
  conversation.agent(opened.reply.say);
  follow(opened.session_id);
  hear(opened.reply);
  list();
}

function found({ created, restored }) {
  if (created) return "a new session";
  return restored ? "the session was restored" : "the same session, without an answer yet";
}

function speak(words, content) {
  if (!call?.isLive) return;
  const said = voice.interrupt();
  voice.stop();
  call.say(said === null ? content : { ...content, said }, conversation.caller(words, answered));
}

function answered(turn, reply, ms, attempts) {
  panel.took(turn.utterance_id, turn.leg, ms, attempts);
  hear(reply);
  list();
}

function hear(reply) {
  expects = reply.expects;
  if (call.isLive) showExpected(expects);
  voice.say(reply.say, language(), () => call?.isLive);
}

// --- a session ------------------------------------------------------------------------------------

function follow(sessionId) {
  unwatch();
  watched = sessionId;
  panel.begin(sessionId);
  tell("state-problem");
  at("ui").hidden = !config.ui_url;
  if (config.ui_url) at("ui").href = `${config.ui_url}/workflows/${encodeURIComponent(sessionId)}`;
  unwatch = watch(sessionId, { state: changed, feed: showFeed });
}

function changed(state) {
  call?.seen(state);
  panel.show(state, call?.isLive ? call.opened.leg : null);
  if (call === null && state.version !== version) {
    version = state.version;
    showTranscript(state.session_id);
  }
}

/** The exchanges of a session, up to the last one or the one before. */
async function showTranscript(sessionId, end) {
  const { entries, omitted } = await untilAnswered(() => get(sessionPath(sessionId, "/transcript")));
  conversation.transcript({ entries: entries.slice(0, end), omitted });
}

function lookOn(session) {
  if (call?.isLive) call.hangUp();
  voice.stop();
  call = null;
  version = -1;
  target = { form: session.form, caller: callerOf(session.session_id) };
  showPhase(target.caller === null ? "overhearing" : "watching");
  follow(session.session_id);
  at("talk").focus();
}

/** Something that an operator does to the session; a call on this page ends with it. */
async function command(name, done) {
  tell("state-problem");
  try {
    await post(sessionPath(watched, `/${name}`), { reason: "from the console" });
  } catch (error) {
    return tell("state-problem", error.message);
  }
  conversation.happened(done);
  if (call?.isLive) call.hangUp();
  list();
}

async function killWorker() {
  tell("state-problem");
  const began = performance.now();
  try {
    await post("dev/kill-worker", {});
    conversation.happened("The worker is killed (SIGKILL).", "killed");
    await untilAnswered(() => get(sessionPath(watched)));
  } catch (error) {
    return tell("state-problem", error.message);
  }
  const took = duration(performance.now() - began);
  conversation.happened(`A worker is back after ${took}: it has the session from its history.`);
}

function showFeed(feed) {
  at("feed").textContent = FEEDS[feed];
  at("feed").dataset.feed = feed;
}

// --- voice and keys -------------------------------------------------------------------------------

const clearKeys = keypad(
  (keys) => speak(`keys ${keys}`, { dtmf: keys }),
  () => expects?.max_digits ?? null,
);

const voice = new Voice({
  heard: (content) => {
    at("say").value = "";
    speak(content.text ?? EVENTS[content.event], content);
  },
  interim: (words) => (at("say").value = words),
  doing(what) {
    at("voice-hint").textContent = what;
    at("interrupt").hidden = !voice.isSpeaking;
  },
  refused(sentence) {
    at("voice").setAttribute("aria-pressed", "false");
    at("voice-hint").textContent = sentence;
  },
});

const language = () => expects?.language ?? "en";

function toggleVoice() {
  voice.turn(!voice.isOn);
  at("voice").setAttribute("aria-pressed", voice.isOn);
  voice.listen(language());
}

function interrupt() {
  at("interrupt").hidden = true;
  at("say").focus();
  voice.bargeIn(language());
}

// --- the page -------------------------------------------------------------------------------------

function onSubmit(id, handle) {
  at(id).addEventListener("submit", (event) => {
    event.preventDefault();
    handle();
  });
}

function onClick(handlers) {
  for (const [id, handle] of Object.entries(handlers)) at(id).addEventListener("click", handle);
}

onSubmit("start-form", () => ring(at("form").value, at("caller").value));
onSubmit("composer", () => {
  const words = at("say").value.trim();
  at("say").value = "";
  if (words) speak(words, { text: words });
});
onClick({
  "call-back": () => ring(target.form, target.caller),
  drop: () => (voice.stop(), call.drop()),
  "hang-up": () => (voice.stop(), call.hangUp()),
  silence: () => speak(EVENTS.noinput, { event: "noinput" }),
  voice: toggleVoice,
  interrupt,
  kill: killWorker,
  "hand-off": () => command("hand-off", "An operator took the caller over."),
  cancel: () => at("cancelling").showModal(),
});
at("cancelling").addEventListener("close", () => {
  if (at("cancelling").returnValue === "cancel") command("cancel", "An operator cancelled the form.");
  at("cancelling").returnValue = "";
});

const list = keepListing(lookOn);
at("voice").hidden = !Voice.hears && !Voice.speaks;
at("voice").textContent = Voice.hears ? "Voice" : "Read aloud";
prepare();

/** Forms and settings, as soon as the gateway tells them. */
async function prepare() {
  const [told, { forms }] = await Promise.all([
    untilAnswered(() => get("console/config.json")),
    untilAnswered(() => get("v1/forms")),
  ]);
  config = told;
  at("kill").hidden = !config.kill_worker;
  for (const place of document.querySelectorAll(".dev")) place.hidden = !config.kill_worker;
  if (forms.length) at("form").append(...forms.map(option));
  else at("form").replaceWith(el("input", [], { id: "form", name: "form", required: "" }));
}

const option = ({ form, title }) => el("option", title, { value: form });
