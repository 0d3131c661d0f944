// The page "Your sessions": log in, see the sessions, end them.
// Texts of the service become text, never HTML; the token goes nowhere but into storage.

import {
  Banned,
  BodyTooLarge,
  InvalidPassword,
  InvalidSession,
  InvalidUser,
  MissingFields,
  OriginNotAllowed,
  SessionMissing,
  SessionsClient,
  SessionsError,
} from "./client/sessions.js";
import * as words from "./words.js";

const KEY = "sessions.token";
const MINUTE = 60_000;

const element = (id) => document.getElementById(id);
const form = element("login");
const list = element("list");
const heading = document.querySelector("h1");
const template = element("session");

// No retries: the page tells the reader to wait. One that waits by itself looks as if it hangs.
// A visitor may have come by a URL with a password, which no request may have.
const api = Object.assign(new URL("api", document.baseURI), { username: "", password: "" });
const client = new SessionsClient(api, { retries: 0 });
let own = null; // the session of this page
let busy = false;

// Another try changes nothing about these.
const FINAL = [
  Banned,
  BodyTooLarge,
  InvalidPassword,
  InvalidSession,
  InvalidUser,
  MissingFields,
  OriginNotAllowed,
];

// Where the token outlives a reload: for "Remember me" localStorage, which outlives the browser,
// else sessionStorage, which ends with the tab. Why there: docs/security.md, "A token in a page".
const stores = attempt(() => [sessionStorage, localStorage]) ?? [];

function storedToken() {
  return stores.map((store) => store.getItem(KEY)).find((token) => token !== null) ?? null;
}

function keep(token, remember) {
  attempt(() => stores[Number(remember)]?.setItem(KEY, token));
}

/** Forget a token; the token of a later login in another tab stays. */
function forget(token) {
  for (const store of stores) if (store.getItem(KEY) === token) store.removeItem(KEY);
}

/** Use storage, which a browser may forbid or lack: then the token lives as long as the page. */
function attempt(use) {
  try {
    return use();
  } catch {
    return undefined;
  }
}

// ------------------------------------------------------------------ showing

function say({ alert = "", status = "", again = null }) {
  element("alert").textContent = alert;
  element("status").textContent = status;
  element("again").hidden = again === null;
  element("again").onclick = again;
}

function showLogin() {
  element("sessions").hidden = true;
  list.replaceChildren();
  form.hidden = false;
}

function showSessions(sessions) {
  form.hidden = true;
  element("count").textContent = words.count(sessions.length);
  list.replaceChildren(...sessions.map(item));
  element("sessions").hidden = false;
}

/** Return the list's item for a session. */
function item(session, position) {
  const made = template.content.cloneNode(true).firstElementChild;
  const [checkbox] = made.getElementsByTagName("input");
  const [button] = made.getElementsByTagName("button");
  const [since, until] = made.getElementsByTagName("time");
  checkbox.value = session.iat;
  made.querySelector(".name span").textContent = session.name;
  made.querySelector("strong").hidden = session.iat !== own.iat;
  checkbox.setAttribute("aria-label", words.select(session.name));
  button.querySelector("span").textContent = session.name;
  button.onclick = () => act(() => endOne(session, position));
  show(since, session.createdAt);
  show(until, session.exp);
  since.id = `since-${session.iat}`; // sessions may share a name, but seldom a time
  checkbox.setAttribute("aria-describedby", since.id);
  button.setAttribute("aria-describedby", since.id);
  return made;
}

function show(time, seconds) {
  time.lang = words.language;
  time.dateTime = new Date(seconds * 1000).toISOString();
  time.textContent = words.moment(seconds);
}

// The distance to a time changes while the page is open.
setInterval(() => {
  for (const time of list.getElementsByTagName("time")) {
    show(time, Date.parse(time.dateTime) / 1000);
  }
}, MINUTE);

// ------------------------------------------------------------------- acting

/**
 * Do one thing at a time for the reader, and show its error.
 *
 * A step returns the next one, if there is one; "Try again" begins with the step that failed.
 */
async function act(step) {
  if (busy) return;
  const focused = document.activeElement;
  setBusy(true);
  say({});
  try {
    while (step) step = await step();
  } catch (error) {
    explain(error, step);
    if (!(error instanceof SessionsError)) throw error; // a mistake of ours: the console shows it
  } finally {
    setBusy(false);
    // A disabled button loses the focus, and a removed one for good.
    if (document.activeElement === document.body) focused.focus();
    if (document.activeElement === document.body) heading.focus();
  }
}

function setBusy(now) {
  busy = now;
  document.querySelector("main").setAttribute("aria-busy", now);
  for (const button of document.querySelectorAll("main button")) button.disabled = now;
}

function explain(error, step) {
  if (error instanceof InvalidSession || error instanceof Banned) leave();
  const isFinal = FINAL.includes(error.constructor);
  say({ alert: words.explanation(error), again: isFinal ? null : () => act(step) });
  for (const [input, kind] of [
    [form.user, InvalidUser],
    [form.password, InvalidPassword],
  ]) {
    const isWrong = error instanceof kind;
    input.setAttribute("aria-invalid", isWrong);
    if (isWrong) input.select();
  }
}

/** Forget the session, and show the login with the focus in it. */
function leave(status = "") {
  forget(client.token);
  client.token = own = null;
  showLogin();
  say({ status });
  form.user.focus();
}

async function logIn() {
  const remember = form.remember.checked;
  const { token } = await client.logIn({
    user: form.user.value,
    password: form.password.value,
    rememberMe: remember,
  });
  keep(token, remember);
  form.reset();
  return open;
}

async function open() {
  form.hidden = true;
  say({ status: words.LOADING });
  await load();
  say({});
  heading.focus();
}

async function load() {
  own ??= await client.currentSession();
  const sessions = [];
  for await (const session of client.allSessions()) sessions.push(session);
  showSessions(sessions);
}

/** Return the step that shows the other sessions; the focus stays near, or goes to the top. */
function showRest(status, position) {
  return async () => {
    await load();
    say({ status });
    const near = list.children[Math.min(position, list.children.length - 1)];
    (near ?? heading).focus();
  };
}

async function endOne(session, position) {
  let status = words.ended(session.name);
  try {
    await client.endSession(session.iat);
  } catch (error) {
    if (!(error instanceof SessionMissing)) throw error;
    status = words.ENDED_BEFORE;
  }
  return session.iat === own.iat ? leave(words.LOGGED_OUT) : showRest(status, position);
}

async function endSelected() {
  const ids = [...list.querySelectorAll(":checked")].map((checkbox) => Number(checkbox.value));
  if (ids.length === 0) return say({ alert: words.NOTHING_SELECTED });
  const number = await client.endSessions(ids);
  return ids.includes(own.iat) ? leave(words.LOGGED_OUT) : showRest(words.endedSome(number));
}

async function endOthers() {
  const number = await client.endAllSessions({ exceptThis: true });
  return showRest(words.endedOthers(number));
}

async function endAll() {
  await client.endAllSessions();
  leave(words.LOGGED_OUT_EVERYWHERE);
}

// ----------------------------------------------------------------- listening

const dialog = element("confirm");

form.onsubmit = (event) => {
  event.preventDefault();
  act(logIn);
};
element("end-selected").onclick = () => act(endSelected);
element("end-others").onclick = () => act(endOthers);
element("end-all").onclick = () => dialog.showModal();
element("log-out").onclick = () => act(() => endOne(own));
element("confirm-no").onclick = () => dialog.close();
element("confirm-yes").onclick = () => {
  dialog.close();
  act(endAll);
};

client.token = storedToken();
if (client.token === null) showLogin();
else act(open);
