// The list of sessions: a row each, which stays where it is while somebody may use it.

import { kindOf } from "./device.js";
import { ago, country, day, moment, text } from "./words.js";

const HOUR = 3600;
const UNKNOWN = "Unknown device"; // the service's name for a session of which nothing is known

const element = (id) => document.getElementById(id);
const list = element("list");
const all = element("all");
const rows = new Map(); // of a session's ID to its row and itself
const gone = new Set(); // the IDs of sessions that have ended, whatever an earlier answer says
let ownId = null;
let latest = []; // the sessions that the service listed last
let isStale = false; // whether the rows are to be arranged anew

export const nameOf = ({ name }) => (name === UNKNOWN ? text("session.unknown") : name);

const usedAt = (session) => session.usedAt ?? session.createdAt;

/**
 * Show these sessions. Rows move at once only where somebody asked for it, or nobody is in the list:
 * else a click might meet another session than the one that was meant.
 */
export function draw(sessions, own, isAsked) {
  ownId = own.iat;
  latest = sessions;
  const live = new Map(sessions.map((session) => [session.iat, session]));
  for (const [id, { row }] of rows) {
    if (live.has(id)) fill(row, live.get(id));
    else mark([id], "ended");
  }
  isStale = true;
  if (isAsked) arrange();
  else settle();
  count();
}

export function clear() {
  rows.clear();
  gone.clear();
  latest = [];
  list.replaceChildren();
}

/** Arrange the rows where that is due and nobody is in the list. */
function settle() {
  const isInUse = list.matches(":hover") || list.contains(document.activeElement);
  if (isStale && !isInUse) arrange();
}

function arrange() {
  isStale = false;
  for (const [id, { row }] of rows) {
    if (!gone.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  const live = latest.filter(({ iat }) => !gone.has(iat));
  const isOwn = ({ iat }) => iat === ownId;
  live.sort((a, b) => isOwn(b) - isOwn(a) || usedAt(b) - usedAt(a) || b.iat - a.iat);
  live.forEach((session, position) => {
    const { row } = rows.get(session.iat) ?? add(session);
    if (list.children[position] !== row) list.insertBefore(row, list.children[position] ?? null);
  });
}

/** Say what happens to the sessions of these IDs: "ending", "ended", or "" for nothing. */
export function mark(ids, state) {
  for (const id of ids) {
    const { row, session } = rows.get(id) ?? {};
    if (!row || gone.has(id)) continue;
    if (state === "ended") gone.add(id);
    if (state) row.dataset.state = state;
    else delete row.dataset.state;
    row.setAttribute("aria-busy", state === "ending");
    part(row, "input").disabled = state !== "";
    if (state === "ended") part(row, "input").checked = false;
    label(row, session);
  }
  if (state === "ended") {
    isStale = true;
    settle();
  }
  count();
}

export const others = () => [...rows.keys()].filter((id) => id !== ownId);

export const selected = () =>
  [...rows].filter(([, { row }]) => part(row, "input:checked:enabled")).map(([id]) => id);

function count() {
  const number = [...rows.keys()].filter((id) => !gone.has(id)).length;
  const ticked = selected().length;
  all.checked = ticked > 0 && ticked === number;
  all.indeterminate = ticked > 0 && ticked < number;
  const words = ticked ? "list.selected" : "list.count";
  element("count").textContent = text(words, { number, selected: ticked });
}

function add(session) {
  const row = element("session").content.cloneNode(true).firstElementChild;
  row.dataset.id = session.iat;
  part(row, "details").ontoggle = () => explain(row, rows.get(session.iat).session);
  fill(row, session);
  return rows.get(session.iat);
}

const part = (row, selector) => row.querySelector(selector);

function fill(row, session) {
  rows.set(session.iat, { row, session });
  const { iat, createdAt, address = "" } = session;
  const name = nameOf(session);
  const isOwn = iat === ownId;
  row.classList.toggle("own", isOwn);
  part(row, "use").setAttribute("href", `#kind-${kindOf(session.name)}`);
  part(row, ".name bdi").textContent = name;
  part(row, ".badge").hidden = !isOwn;
  show(part(row, ".used"), usedAt(session), isOwn ? text("session.active") : used(session));
  put(part(row, ".place"), countryOf(session) || address);
  put(part(row, ".address"), session.country ? address : "");
  show(part(row, ".since"), createdAt, text("session.logged_in", { day: day(createdAt) }));
  part(row, "input").setAttribute("aria-label", text("session.select", { name }));
  part(row, "summary span").textContent = text("details.of", { name });
  label(row, session);
  explain(row, session);
}

function put(place, words) {
  place.hidden = !words;
  place.firstChild.textContent = words;
}

function show(time, seconds, words) {
  time.dateTime = new Date(seconds * 1000).toISOString();
  time.textContent = words;
}

/** The service notes a use once an hour: how much less than that it was, nobody knows. */
function used(session) {
  const at = usedAt(session);
  const isRecent = Date.now() / 1000 - at < HOUR;
  return isRecent ? text("session.used_hour") : text("session.used", { ago: ago(at) });
}

const countryOf = (session) => (session.country ? country(session.country) : "");

function label(row, session) {
  const words = `session.${row.dataset.state ?? "end"}`;
  const button = part(row, ".end");
  part(button, "span").textContent = text(words);
  button.setAttribute("aria-label", text(`${words}_name`, { name: nameOf(session) }));
  button.setAttribute("aria-disabled", row.dataset.state !== undefined);
}

function explain(row, session) {
  if (!part(row, "details").open) return;
  const known = Object.entries({
    logged_in: moment(session.createdAt),
    used: moment(usedAt(session)),
    country: countryOf(session),
    address: session.address,
    ends: moment(session.exp),
    idle: session.idleExp && moment(session.idleExp),
    method: session.method === "password" ? text("method.password") : session.method,
    by: session.by,
  }).filter(([, value]) => value);
  part(row, "dl").replaceChildren(
    ...known.map(([term, value]) => {
      const pair = element("detail").content.cloneNode(true).firstElementChild;
      part(pair, "dt").textContent = text(`details.${term}`);
      part(pair, "bdi").textContent = value;
      return pair;
    }),
  );
}

export function listen(end) {
  list.onclick = ({ target }) => {
    const button = target.closest(".end");
    if (!button || button.ariaDisabled === "true") return;
    button.focus({ preventScroll: true }); // Safari focuses no button that is clicked
    end(rows.get(Number(button.closest("li").dataset.id)).session);
  };
}

list.onchange = count;
list.onpointerleave = settle;
list.addEventListener("focusout", () => setTimeout(settle)); // once the focus is where it goes
all.onchange = () => {
  for (const { row } of rows.values()) {
    const checkbox = part(row, "input");
    if (!checkbox.disabled) checkbox.checked = all.checked;
  }
  count();
};

// How long ago a session was used changes while the page is open.
setInterval(() => {
  for (const { row, session } of rows.values()) fill(row, session);
}, 60_000);
