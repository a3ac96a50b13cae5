// The keypad: keys are gathered and sent as one, at `#`, when the field takes no more, or by button.

import { at, el } from "./dom.js";

const KEYS = "123456789*0#";
const NAMES = { "*": "star", "#": "hash, sends" };

/** `send(keys)` gets them; `most()` says how many the field takes, or null. */
export function keypad(send, most) {
  let pressed = "";
  const show = () => (at("pressed").textContent = pressed || "none");
  const clear = () => ((pressed = ""), show());
  const flush = () => {
    if (pressed) send(pressed);
    clear();
  };
  const press = (key) => {
    pressed += key;
    show();
    if (key === "#" || pressed.length === most()) flush();
  };
  at("keys").append(...[...KEYS].map((key) => {
    const button = el("button.key", key, { type: "button", "aria-label": NAMES[key] ?? key });
    button.addEventListener("click", () => press(key));
    return button;
  }));
  at("send-keys").addEventListener("click", flush);
  at("clear-keys").addEventListener("click", clear);
  at("keypad-toggle").addEventListener("click", () => {
    const open = at("keypad").toggleAttribute("hidden") === false;
    at("keypad-toggle").setAttribute("aria-expanded", open);
  });
  return clear;
}
