// The service as the page uses it. Who is logged in is one thing for all tabs, as the cookie is.

import { SessionsClient } from "./client/sessions.js";
import { urlOf } from "./url.js";

const PATIENCE = 30_000; // API Gateway answers within 29 seconds

// No script can read the cookie. Where a service makes none, the token is in the client alone, and
// gone with the page. No retries: a page that waits without a word looks as if it hangs.
const newClient = () =>
  new SessionsClient(urlOf("api"), { cookie: true, retries: 0, fetch: fetchInTime });

const fetchInTime = (url, request) =>
  fetch(url, { ...request, signal: AbortSignal.timeout(PATIENCE) });

let client = newClient();

export const isAlone = () => client.token !== null;

/** Give the session in use up; return the client that can still end it. */
export function giveUp() {
  const former = client;
  client = newClient();
  return former;
}

/**
 * Do something while no tab logs in ("shared"), or log in while no tab does anything ("exclusive"):
 * a late answer to an earlier session would clear the cookie of the new one, and what is meant for
 * one user's sessions must not meet another's.
 */
async function held(mode, work) {
  let hasBegun = false;
  const begin = () => {
    hasBegun = true;
    return work();
  };
  try {
    return await navigator.locks.request("sessions", { mode }, begin);
  } catch (error) {
    if (hasBegun) throw error;
    return work(); // a browser may have no locks, or forbid them as it does storage
  }
}

/** Log in; a session that the browser still has a cookie of ends, if it is the same user's. */
export const logIn = ({ password, ...login }) =>
  held("exclusive", () => client.reauthenticate(password, login));

export const load = () =>
  held("shared", async () => {
    const own = await client.currentSession();
    const sessions = [];
    for await (const session of client.allSessions()) sessions.push(session);
    return { own, sessions };
  });

/**
 * Do something as a session, or as any where it is not known; return null where another one is in
 * use by now: two users may have sessions of one ID.
 */
const as = (own, work, by = client) =>
  held("shared", async () => {
    const { iat, sub } = await by.currentSession();
    return !own.iat || (iat === own.iat && sub === own.sub) ? work(by, iat) : null;
  });

export const end = (own, id) => as(own, (by) => by.endSession(id));
export const endSome = (own, ids) => as(own, (by) => by.endSessions(ids));
export const endAll = (own, options) => as(own, (by) => by.endAllSessions(options));
export const logOut = (own, former) => as(own, (by, id) => by.endSession(id), former);
