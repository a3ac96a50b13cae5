// The token that lets this page in. It comes in the address's fragment, which browsers send to
// nobody, or is typed; this tab alone keeps it, until it is closed.

import { at, tell } from "./dom.js";

const KEPT = "turnkeeper-token";
const GIVEN = /^#token=(.+)$/;

let asking = null; // While the page waits for a token that is good.
let given = () => {};

take();
addEventListener("hashchange", take);

/** What each request of the API says. */
export const authorization = () => {
  const token = sessionStorage.getItem(KEPT);
  return token ? { Authorization: `Bearer ${token}` } : {};
};

/** Ask for another token than the one that was refused; all that ask meanwhile wait for the same. */
export function askForToken() {
  asking ??= new Promise((resolve) => {
    const wasRefused = sessionStorage.getItem(KEPT) !== null;
    sessionStorage.removeItem(KEPT);
    tell("sign-in-problem", wasRefused ? "This token is not good here, or no more." : "");
    given = () => {
      asking = null;
      at("sign-in").close();
      resolve();
    };
    at("sign-in").showModal();
  });
  return asking;
}

at("sign-in").addEventListener("cancel", (event) => event.preventDefault()); // Nothing works without.
at("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keep(at("token").value.trim());
});

function take() {
  const [, token] = GIVEN.exec(location.hash) ?? [];
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  keep(decodeURIComponent(token));
}

function keep(token) {
  sessionStorage.setItem(KEPT, token);
  at("token").value = "";
  if (asking) given();
}
