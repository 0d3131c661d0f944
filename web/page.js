// The page "Your sessions": log in, see the sessions, end them.
// Texts of the service become text, never HTML.

import { Banned, InvalidSession, SessionMissing, SessionsError } from "./client/sessions.js";
import * as form from "./form.js";
import * as list from "./list.js";
import * as logout from "./logout.js";
import { isWaiting, note, say, wait } from "./messages.js";
import * as product from "./product.js";
import { ask, withdraw } from "./question.js";
import * as service from "./service.js";
import { explanation, load as loadWords, text } from "./words.js";

const FRESH = 10_000; // how long a list counts as new

const element = (id) => document.getElementById(id);
const heading = document.querySelector(".sessions h1");
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("sessions") : null;

let own = null; // the session of this page
let round = 0; // grows when another session, or none, is in use: earlier answers then count nothing
let busy = null; // what is being done
let askedAt = 0; // when the sessions that are shown were asked for

/** Show a view: "loading", "login", "list", or "failed". */
function show(view) {
  document.body.dataset.view = view;
}

const isShown = (view) => document.body.dataset.view === view;

function forget() {
  round += 1;
  busy = own = null;
  withdraw();
  list.clear();
  say();
}

/** Show the login, with the focus in it, instead of a session. */
function leave(message) {
  forget();
  service.giveUp();
  show("login");
  say(message);
  form.focus();
}

class Outdated extends Error {}

/** Await an answer of the service; drop it where another session is in use by then. */
async function current(answer) {
  const begun = round;
  const [settled] = await Promise.allSettled([answer]);
  if (begun !== round) throw new Outdated();
  if (settled.status === "rejected") throw settled.reason;
  if (settled.value === null) {
    restart(); // somebody else is logged in
    throw new Outdated();
  }
  return settled.value;
}

const isFree = () => !busy && !isWaiting();

/** Do one thing at a time for the reader; rows of the list have their own. */
async function act(step) {
  if (!isFree()) return;
  const mine = (busy = {});
  const focused = document.activeElement;
  const main = element("main");
  main.setAttribute("aria-busy", true);
  say();
  await follow(step);
  if (busy === mine) busy = null;
  main.setAttribute("aria-busy", busy !== null);
  // What had the focus may be gone.
  if (document.activeElement === document.body) focused.focus();
  if (document.activeElement === document.body) heading.focus();
}

/** Take a step, and those that it returns, one by one; "Try again" begins with what failed. */
async function follow(step) {
  try {
    for (let next = step; next; ) {
      step = next;
      next = await step();
    }
  } catch (error) {
    if (error instanceof SessionsError) explain(error, step);
    else if (!(error instanceof Outdated)) throw error; // a mistake of ours: the console shows it
  }
}

function explain(error, step) {
  const { status, retryAfter } = error;
  const isOver = error instanceof InvalidSession || error instanceof Banned;
  const alert = explanation(error);
  if (isOver && !isShown("login")) {
    if (own) tell("left", own);
    // Nobody was logged out who has only come.
    const isNew = round < 2 && !own && error instanceof InvalidSession && !error.reason;
    return leave({ alert: isNew ? "" : alert });
  }
  if (isShown("loading")) show("failed");
  const isFinal = status >= 400 && status < 500 && status !== 429;
  const more = retryAfter === null ? ` ${text("wait.moment")}` : "";
  say({ alert: alert + more, again: isFinal ? null : () => act(step) });
  if (retryAfter) wait(alert, retryAfter);
  form.markWrong(error);
}

async function logIn() {
  const login = form.read();
  if (logout.pending()) await logout.resume();
  const former = logout.pending();
  await service.logIn(login);
  logout.forget();
  form.clear();
  round += 1;
  if (!service.isAlone()) tell("entered");
  return () => open(former);
}

/** Show the sessions of whoever is logged in; `former` is a session that could not be ended. */
async function open(former) {
  show("loading");
  say({ status: text("loading") });
  await load(true);
  const isLost = former && former.user !== own.sub;
  note(isLost ? text("pending.lost", { name: former.name }) : "");
  heading.focus();
}

async function load(isAsked) {
  if (logout.pending() && !service.isAlone()) {
    left("end.log_out"); // in another tab, of which this one has not heard yet
    throw new Outdated();
  }
  const begun = Date.now();
  const found = await current(service.load());
  if (begun < askedAt) return; // a later answer is here already
  askedAt = begun;
  if (own?.sub !== found.own.sub) list.clear();
  own = found.own;
  list.draw(found.sessions, own, isAsked);
  show("list");
}

async function refresh() {
  await load(true);
  note(text("list.refreshed"));
}

/** Look again, without a word, at what was out of sight or failed. */
function look() {
  if (isShown("failed")) act(open);
  else if (isShown("list") && isFree() && Date.now() - askedAt >= FRESH) follow(() => load(false));
}

/** End sessions in their rows; return what the service answers. */
async function ending(ids, answer) {
  list.mark(ids, "ending");
  try {
    const ended = await current(answer());
    list.mark(ids, "ended");
    return ended;
  } catch (error) {
    list.mark(ids, error instanceof SessionMissing ? "ended" : "");
    throw error;
  }
}

function endOne(session) {
  if (session.iat === own.iat) return logOut();
  if (isWaiting()) return;
  say();
  return follow(async () => {
    try {
      await ending([session.iat], () => service.end(own, session.iat));
      note(text("end.one", { name: list.nameOf(session) }));
    } catch (error) {
      if (!(error instanceof SessionMissing)) throw error;
      note(text("end.before"));
      return () => load(false); // who knows what else has changed
    }
  });
}

async function endSelected() {
  if (!isFree()) return;
  const ids = list.selected();
  const number = ids.length;
  if (number === 0) return say({ alert: text("list.nothing_selected") });
  const isOwn = ids.includes(own.iat);
  if (isOwn && !(await isMeant("selected", { number }))) return;
  return act(async () => {
    const ended = await ending(ids, () => service.endSome(own, ids));
    if (isOwn) return left("end.log_out");
    note(text("end.some", { number: ended }));
  });
}

async function endOthers() {
  if (!(await isMeant("others"))) return;
  return act(async () => {
    const number = await ending(list.others(), () => service.endAll(own, { exceptThis: true }));
    note(text(number ? "end.some" : "end.none", { number }));
  });
}

async function endAll() {
  if (!(await isMeant("all"))) return;
  return act(async () => {
    await current(service.endAll(own));
    left("end.everywhere");
  });
}

async function isMeant(what, values) {
  if (!isFree()) return false;
  const explained = text(`ask.${what}_text`, values);
  return ask(text(`ask.${what}`), explained, text(`list.end_${what}`));
}

function left(words) {
  tell("left", own);
  leave({ status: text(words) });
}

function logOut() {
  const session = own && { ...own, name: list.nameOf(own) };
  logout.logOut(session);
  left("end.log_out");
}

function report(end, session) {
  if (isShown("login")) note(end === "unknown" ? "" : pendingText(end, session));
}

function pendingText(end, { name }) {
  return text(`pending.${end}${name ? "" : "_unnamed"}`, { name });
}

function tell(kind, session) {
  channel?.postMessage({ kind, id: session?.iat });
}

function hear({ data: { kind, id } }) {
  const isShared = !service.isAlone();
  if (kind === "entered") {
    if (isShared) restart();
  } else if (!isShown("login")) {
    const isOurs = own ? own.iat === id : isShared && id;
    if (isOurs || (isShared && logout.pending())) leave({ status: text("end.log_out") });
  }
}

function restart() {
  const former = own;
  forget();
  act(async () => {
    await open();
    if (former && former.sub !== own.sub) note(text("tabs.user"));
  });
}

/** Earlier versions kept a token where scripts could read it. */
function forgetOldToken() {
  try {
    for (const store of [localStorage, sessionStorage]) store.removeItem("sessions.token");
  } catch {
    // A browser may forbid storage.
  }
}

/** Log out for good where that is still to do, or find out who is logged in. */
function begin() {
  const session = logout.pending();
  if (!session) return restart();
  leave({ status: pendingText("waiting", session) });
  logout.resume();
}

async function start() {
  forgetOldToken();
  await Promise.all([product.load(), loadWords()]);
  product.show();
  begin();
}

form.listen(() => act(logIn));
element("refresh").onclick = () => act(refresh);
element("log-out").onclick = logOut;
element("end-selected").onclick = endSelected;
element("end-others").onclick = endOthers;
element("end-all").onclick = endAll;
list.listen(endOne);
if (channel) channel.onmessage = hear;
logout.listen(report);
globalThis.ononline = () => {
  logout.resume();
  look();
};
// A page that the browser had put aside has heard nothing meanwhile.
globalThis.onpageshow = ({ persisted }) => persisted && begin();
document.onvisibilitychange = () => document.hidden || look();
start();
