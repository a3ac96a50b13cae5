// One leg: from ringing until it is dropped, hung up or taken over. No elements here.
//
// Turns go one after the other, in the order in which they were said. A turn that nobody answered
// is sent again under its utterance id until it is answered or the line is gone.

import { post, sessionPath, untilAnswered } from "./api.js";

/** What `next` of a reply means for the line. */
const ENDS = { hang_up: "over", transfer: "transferred" };
/** What a refused turn means for it, by the kind of problem; any other leaves it open. */
const REFUSALS = {
  "superseded-leg": "superseded",
  "session-closed": "over",
  "session-not-found": "over",
};

export class Call {
  #line = new AbortController();
  #last = Promise.resolve();
  #said = 0;
  #on;

  /** `on.phase(phase)`: ringing, live, dropped, over, transferred, superseded, failed.
   *  `on.waiting(error)` while it rings and nobody answers, `on.problem(error)` when hanging up is
   *  refused. */
  constructor(form, caller, on) {
    this.form = form;
    this.caller = caller;
    this.phase = "idle";
    this.opened = null;
    this.#on = on;
  }

  get isLive() {
    return this.phase === "live";
  }

  /** Ring. The leg as opened, or null when the line was dropped before; rejects with a Problem. */
  async open() {
    this.#enter("ringing");
    const opening = {
      form: this.form,
      caller: this.caller,
      channel: "console",
      connect_id: crypto.randomUUID(),
    };
    try {
      this.opened = await this.#sent("v1/sessions", opening, (error) => this.#on.waiting(error));
    } catch (error) {
      if (this.phase === "dropped") return null;
      this.#enter("failed");
      throw error;
    }
    this.#enter("live");
    return this.opened;
  }

  /** Send a turn. `line` is how it is shown: `waiting(attempts, error)`, then one of
   *  `answered(turn, reply, ms, attempts)`, `cutOff()`, `refused(error)`. */
  say(content, line) {
    const turn = { ...this.#leg, utterance_id: `u${++this.#said}`, ...content };
    this.#last = this.#last.then(() => this.#take(turn, line));
    return this.#last;
  }

  /** The line is lost: nobody is told, and what was on its way may or may not be stored. */
  drop() {
    this.#leave("dropped");
  }

  /** The session is told that this leg is over. */
  hangUp() {
    this.#end("over");
  }

  /** What is known of the session: a newer leg of it takes this one's place. */
  seen(state) {
    const { leg, epoch } = this.opened ?? {};
    // A turn on its way is not cut off: it may have come first, and its answer says so.
    if (this.isLive && state.epoch === epoch && state.leg > leg) this.#enter("superseded");
  }

  get #leg() {
    return { leg: this.opened.leg, epoch: this.opened.epoch };
  }

  async #take(turn, line) {
    const began = performance.now();
    let attempts = 1;
    try {
      this.#line.signal.throwIfAborted();
      const waiting = (error) => line.waiting(++attempts, error);
      const reply = await this.#sent(this.#path("/turns"), turn, waiting);
      line.answered(turn, reply, performance.now() - began, attempts);
      if (reply.next in ENDS) this.#end(ENDS[reply.next]);
    } catch (error) {
      if (this.#line.signal.aborted) return line.cutOff();
      line.refused(error);
      if (this.isLive && error.kind in REFUSALS) this.#leave(REFUSALS[error.kind]);
    }
  }

  async #end(phase) {
    this.#leave(phase);
    const gone = { ...this.#leg, reason: "hang_up" };
    try {
      await untilAnswered(() => post(this.#path("/hangup"), gone));
    } catch (error) {
      this.#on.problem(error);
    }
  }

  #sent(path, body, onWait) {
    const signal = this.#line.signal;
    return untilAnswered(() => post(path, body, signal), { signal, onWait });
  }

  #path(rest) {
    return sessionPath(this.opened.session_id, rest);
  }

  #leave(phase) {
    this.#enter(phase);
    this.#line.abort();
  }

  #enter(phase) {
    this.phase = phase;
    this.#on.phase(phase);
  }
}
