// The gateway's HTTP API. A lost connection and a 503 say nothing of the session: what was sent is
// sent again as it was, and its ids make that safe.

import { askForToken, authorization } from "./token.js";

const PATIENCE_MS = 60_000; // For one attempt; the gateway's own deadline is shorter.
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 4_000;
const UNKNOWN = new Set([502, 503, 504]);
const TOO_MANY = 429;

/** The gateway refused, and said why. `kind` is the end of the problem's type. */
export class Problem extends Error {
  constructor(status, told) {
    super(told.detail || told.title || `The gateway answered with status ${status}.`);
    this.kind = (told.type ?? "").split(":").at(-1);
  }
}

/** Nobody knows what became of it: the gateway or the store behind it was not reached. */
export class Unanswered extends Error {
  constructor(message, pauseMs = 0) {
    super(message);
    this.pauseMs = pauseMs;
  }
}

/** An address of the API, wherever the gateway is mounted. */
export const address = (path) => new URL(path, document.baseURI);

export const sessionPath = (id, rest = "") => `v1/sessions/${encodeURIComponent(id)}${rest}`;

export const get = (path, signal) => once(path, { signal });

export const post = (path, body, signal) =>
  once(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });

/** Send until somebody answers. `onWait` hears each time that nobody did.
 *  Rejects with a Problem, or with the signal's reason. */
export async function untilAnswered(send, { signal, onWait = () => {} } = {}) {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      onWait(error);
      await sleep(Math.max(pause, error.pauseMs), signal);
    }
  }
}

async function once(path, request) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const signal = request.signal ? AbortSignal.any([request.signal, patience]) : patience;
  const headers = { ...request.headers, ...authorization() };
  const sending = fetch(address(path), { ...request, headers, signal });
  const response = await reached(sending, request.signal);
  if (response.status === 401) {
    await askForToken();
    return once(path, request);
  }
  if (TOO_MANY === response.status) throw unavailable(response, "The gateway asks to wait a moment.");
  if (UNKNOWN.has(response.status)) throw unavailable(response);
  if (response.status === 204) return null;
  const body = await reached(response.text(), request.signal);
  if (response.ok) return JSON.parse(body);
  throw new Problem(response.status, parsed(body));
}

/** What a failed fetch is: the caller's own abort as it is, all else an Unanswered. */
async function reached(sending, signal) {
  try {
    return await sending;
  } catch {
    signal?.throwIfAborted();
    throw new Unanswered("The gateway cannot be reached.");
  }
}

function unavailable(response, message = "The store cannot be reached.") {
  const seconds = Number(response.headers.get("Retry-After")) || 0;
  return new Unanswered(message, 1000 * seconds);
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return {}; // A proxy's page: the status has to do.
  }
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), {
      once: true,
    });
  });
}
