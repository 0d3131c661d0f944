// All texts of page.js, in one place; texts that never change stand in index.html.
// Dates and times are in the reader's own language and time zone.

import {
  Banned,
  BodyTooLarge,
  InvalidPassword,
  InvalidSession,
  InvalidUser,
  MissingFields,
  NetworkError,
  OriginNotAllowed,
  RateLimited,
  Unavailable,
} from "./client/sessions.js";

export const LOADING = "Loading your sessions…";
export const LOGGED_OUT = "You are logged out.";
export const LOGGED_OUT_EVERYWHERE = "You are logged out everywhere.";
export const ENDED_BEFORE = "That session had ended already.";
export const NOTHING_SELECTED = "Tick the sessions that you want to end first.";

export const select = (name) => `Select ${name}`;
export const count = (number) =>
  number === 1 ? "You have one session." : `You have ${number} sessions.`;
export const ended = (name) => `Ended the session ${name}.`;
export const endedSome = (number) =>
  number === 1 ? "Ended one session." : `Ended ${number} sessions.`;
export const endedOthers = (number) =>
  number === 0 ? "You were logged in nowhere else." : endedSome(number);

const FIELDS = { user: "Username or e-mail", pass: "Password" };

// Narrower words for a kind of error; `wait` is in seconds.
const SENTENCES = new Map([
  [InvalidSession, () => "You were logged out. Log in again to see your sessions."],
  [InvalidPassword, () => "The name or the password is wrong."],
  [InvalidUser, () => "Nobody has this username or e-mail address."],
  [Banned, () => "This account is banned."],
  [OriginNotAllowed, () => "The service takes no login from this page. A newer browser may help."],
  [MissingFields, ({ fields }) => `Please check: ${fields.map((field) => FIELDS[field] ?? field).join(", ")}.`],
  [BodyTooLarge, () => "That is more than the service takes at once."],
  [RateLimited, ({ retryAfter }) => `Too many tries. Please wait ${wait(retryAfter)}, then try again.`],
  [Unavailable, ({ retryAfter }) => `The service does not answer just now. Please wait ${wait(retryAfter)}, then try again.`],
  [NetworkError, () => "The service cannot be reached. Check your connection, then try again."],
]);

/** Return the text for an error; by the number operators find the request. */
export function explanation(error) {
  const sentence = SENTENCES.get(error.constructor);
  if (sentence) return sentence(error);
  const number = error.requestId ? ` (request ${error.requestId})` : "";
  return `Something went wrong with the service. Please try again later.${number}`;
}

function wait(seconds) {
  if (seconds === null || seconds === undefined) return "a moment";
  if (seconds <= 90) return seconds === 1 ? "one second" : `${seconds} seconds`;
  const until = new Date(Date.now() + seconds * 1000);
  return `${Math.ceil(seconds / 60)} minutes, until ${clock.format(until)}`;
}

const languages = navigator.languages;
const clock = new Intl.DateTimeFormat(languages, { timeStyle: "short" });
const date = new Intl.DateTimeFormat(languages, { dateStyle: "long", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(languages, { numeric: "auto" });

// A unit is used from its own length on.
const UNITS = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** The language of what `moment` returns. */
export const language = date.resolvedOptions().locale;

/** Return a time, in seconds since 1970, and how far that is from now. */
export function moment(seconds) {
  const away = seconds - Date.now() / 1000;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(away) >= each) ?? ["second", Infinity];
  // Less than a minute is "now": nobody wants to see seconds pass.
  return `${date.format(seconds * 1000)} (${relative.format(Math.round(away / length), unit)})`;
}
