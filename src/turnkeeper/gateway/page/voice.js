// Speech, where the browser has it (Web Speech API). Replies are read aloud; then it listens, and
// what it heard, or that it heard nothing, is a turn.

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const HYPOTHESES = 3;
const LONGEST_MS = (words) => 3_000 + 120 * words.length; // Some browsers never say that they ended.

/** A recogniser's errors that are events of a turn, by VoiceXML's names. */
const EVENTS = { "no-speech": "noinput", nomatch: "nomatch" };
const REFUSED = {
  "not-allowed": "The browser does not let this page use the microphone: type instead.",
  "service-not-allowed": "The browser does not let this page use the microphone: type instead.",
  "audio-capture": "No microphone was found: type instead.",
  network: "The browser's speech service cannot be reached: type instead.",
  "language-not-supported": "The browser does not recognise this form's language: type instead.",
};

export class Voice {
  #on;
  #recogniser = null;
  #speaking = null;
  #until = null;

  /** `on.heard(content)`: a turn's content. `on.interim(words)`, `on.doing(what)`,
   *  `on.refused(sentence)`: it is off from now on. */
  constructor(on) {
    this.isOn = false;
    this.#on = on;
  }

  static get hears() {
    return Boolean(Recognition);
  }

  static get speaks() {
    return "speechSynthesis" in window;
  }

  turn(on) {
    this.isOn = on;
    if (!on) this.stop();
  }

  get isSpeaking() {
    return this.#speaking !== null;
  }

  /** Speak, and then listen if `then`. */
  async say(words, language, then) {
    this.stop();
    this.#until = null;
    if (!this.isOn) return;
    const wasHeard = Voice.speaks ? await this.#speak(words, language) : true;
    if (wasHeard && then()) this.listen(language);
  }

  /** Up to where the reply was spoken when the caller broke in; null when nobody did. */
  interrupt() {
    if (this.#speaking) this.#cutShort();
    const until = this.#until;
    this.#until = null;
    return until;
  }

  /** Cut the reply short and listen. */
  bargeIn(language) {
    if (this.#speaking) this.#cutShort();
    this.listen(language);
  }

  listen(language) {
    if (!this.isOn || !Recognition) return;
    const recogniser = new Recognition();
    let heard = null;
    Object.assign(recogniser, {
      lang: language,
      interimResults: true,
      maxAlternatives: HYPOTHESES,
      onresult: ({ results }) => {
        const newest = results[results.length - 1];
        if (newest.isFinal) heard = content(newest);
        else this.#on.interim(newest[0].transcript);
      },
      onnomatch: () => (heard = { event: "nomatch" }),
      onerror: ({ error }) => {
        if (error in EVENTS) heard = { event: EVENTS[error] };
        else if (error in REFUSED) this.#refuse(REFUSED[error]);
      },
      onend: () => {
        if (this.#recogniser !== recogniser) return; // It was stopped: nothing was said.
        this.#recogniser = null;
        this.#on.doing("");
        this.#on.heard(heard ?? { event: "noinput" });
      },
    });
    this.#recogniser = recogniser;
    recogniser.start();
    this.#on.doing("Listening ...");
  }

  /** Neither speak nor listen. */
  stop() {
    this.#speaking?.finish(false);
    const recogniser = this.#recogniser;
    this.#recogniser = null;
    recogniser?.abort();
    this.#on.doing("");
  }

  #speak(words, language) {
    return new Promise((resolve) => {
      const spoken = new SpeechSynthesisUtterance(words);
      const finish = (wasHeard) => {
        if (this.#speaking?.finish !== finish) return;
        clearTimeout(timer);
        this.#speaking = null;
        if (!wasHeard) speechSynthesis.cancel();
        this.#on.doing("");
        resolve(wasHeard);
      };
      const timer = setTimeout(() => finish(true), LONGEST_MS(words));
      this.#speaking = { words, until: 0, finish };
      this.#on.doing("Speaking ...");
      Object.assign(spoken, {
        lang: language,
        onend: () => finish(true),
        onerror: () => finish(true),
        onboundary: ({ charIndex }) => {
          if (this.#speaking) this.#speaking.until = charIndex;
        },
      });
      speechSynthesis.speak(spoken);
    });
  }

  #cutShort() {
    const { words, until } = this.#speaking;
    this.stop();
    this.#until = words.slice(0, until);
  }

  #refuse(sentence) {
    this.turn(false);
    this.#on.refused(sentence);
  }
}

/** A final result as a turn's content. A browser without confidences gives 0 for all. */
function content(result) {
  const found = Array.from(result, ({ transcript, confidence }) => ({
    text: transcript.trim(),
    ...(confidence > 0 && { confidence: Math.min(confidence, 1) }),
  }));
  return { ...found[0], ...(found.length > 1 && { alternatives: found }) };
}
