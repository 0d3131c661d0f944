// A log-out works at once on this device. What the service could not be told yet is kept as the
// session's ID, which is no secret, and told as soon as it can be.

import { Banned, InvalidSession, SessionMissing, SessionsError } from "./client/sessions.js";
import * as service from "./service.js";

const KEY = "sessions.pending";
const FIRST_WAIT = 5;
const LONGEST_WAIT = 300;
// Nothing is left then that this device could end.
const OVER = [Banned, InvalidSession, SessionMissing];

let kept = null; // as long as the page, where the browser forbids storage
let client; // what can end it
let timer = 0;
let wait = FIRST_WAIT;
let isLate = false; // whether somebody was told to wait for it
let trying = null;
let report = () => {};

/** Return the session that is still to end, or null. */
export function pending() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? kept;
  } catch {
    return kept;
  }
}

function keep(session) {
  try {
    if (session) localStorage.setItem(KEY, JSON.stringify(session));
    else localStorage.removeItem(KEY);
    kept = null;
  } catch {
    kept = session;
  }
}

/** Log out of a session, or of one that is not known. */
export function logOut(session) {
  keep({ id: session?.iat, user: session?.sub, name: session?.name });
  client = service.giveUp();
  wait = FIRST_WAIT;
  isLate = false;
  tryAgain();
}

/** End the session that is pending since another load of the page. */
export function resume() {
  isLate = pending() !== null;
  return tryAgain();
}

/** End the session that is pending, or try again later; one try at a time. */
function tryAgain() {
  trying ??= attempt().finally(() => {
    trying = null;
  });
  return trying;
}

async function attempt() {
  clearTimeout(timer);
  const session = pending();
  if (!session) return;
  const end = await outcome(session);
  // A login, in this tab or another one, may have settled it meanwhile.
  if (pending()?.id !== session.id) return;
  const isWaiting = end === "waiting";
  if (isLate || isWaiting) report(end, session);
  if (!isWaiting) forget();
  isLate = isWaiting;
}

/** End a session; return "waiting", "ended", or "unknown" where the browser no longer holds it. */
async function outcome({ id: iat, user: sub }) {
  try {
    return (await service.logOut({ iat, sub }, client)) === null ? "unknown" : "ended";
  } catch (error) {
    if (!(error instanceof SessionsError)) throw error;
    if (error instanceof InvalidSession && !error.reason) return "unknown";
    if (OVER.includes(error.constructor)) return "ended";
    timer = setTimeout(tryAgain, (error.retryAfter ?? wait) * 1000);
    wait = Math.min(wait * 2, LONGEST_WAIT);
    return "waiting";
  }
}

/** Have `callback` told of what comes late, also by another tab: "waiting", "ended", "unknown". */
export function listen(callback) {
  report = callback;
  globalThis.onstorage = ({ key, oldValue, newValue }) => {
    if (key === KEY && oldValue && !newValue && isLate) report("ended", JSON.parse(oldValue));
  };
}

/** Forget what was pending, since there is a new session. */
export function forget() {
  clearTimeout(timer);
  client = undefined;
  isLate = false;
  keep(null);
}
