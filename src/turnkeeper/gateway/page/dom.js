// Elements. Text goes in as text, never as markup: much of it is what somebody said.

/** The element of that id. */
export const at = (id) => document.getElementById(id);

/** A new element: its tag with classes (`p.hint`), what it holds, its attributes. */
export function el(tag, children = [], attributes = {}) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length) made.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...[children].flat());
  return made;
}

/** Show a sentence in its place; none hides the place. */
export function tell(id, sentence = "") {
  at(id).textContent = sentence;
  at(id).hidden = !sentence;
}

/** `12 ms`, `3.4 s`. */
export const duration = (ms) =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

/** A time of day; with the date if it is not today's. */
export function clock(iso) {
  const then = new Date(iso);
  const time = then.toLocaleTimeString([], { timeStyle: "medium", hourCycle: "h23" });
  const today = then.toDateString() === new Date().toDateString();
  return today ? time : `${then.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

/** A word of the wire for people: `handed_off` is `handed off`. */
export const spaced = (word) => word.replaceAll("_", " ");
