// All texts of the page, in the reader's language: one file of words/ for each that we have.
// Dates, numbers and countries are in that language, too, so that a sentence is in one.

import { urlOf } from "./url.js";

const LANGUAGES = ["ar", "de", "en", "es", "fr", "ja"];
const PATIENCE = 10_000; // milliseconds, before English takes a language's place
const LATEST = 8.64e12; // the last second that a Date can hold: ECMA-262, "Time Values"
const FIELDS = { user: "login.user", pass: "login.password" };

// A unit is used from its own length on, in seconds.
const UNITS = Object.entries({
  year: 31_557_600, month: 2_629_800, day: 86_400, hour: 3_600, minute: 60,
});

let language = "en"; // with the reader's variant, such as "de-AT"
let words = {};
let formats = formatsOf();

/** Choose the language, fetch its texts, and put them where the HTML has their keys. */
export async function load() {
  language = readersLanguage();
  words = await fetched();
  if (words === null) {
    language = "en"; // better than keys
    words = (await fetched()) ?? {};
  }
  formats = formatsOf();
  document.documentElement.lang = base(language);
  document.documentElement.dir = isRightToLeft() ? "rtl" : "ltr";
  fill(document);
  for (const template of document.querySelectorAll("template")) fill(template.content);
}

// Browsers may name languages as systems do, `en-US@posix` or `C`, at which Intl throws.
function readersLanguage() {
  for (const wish of navigator.languages ?? []) {
    try {
      const [tag] = Intl.getCanonicalLocales(wish.replace(/[.@].*/, "").replaceAll("_", "-"));
      if (LANGUAGES.includes(base(tag))) return tag;
    } catch {
      // It is no language; the next one may be.
    }
  }
  return "en";
}

function base(tag) {
  return tag.split("-")[0];
}

async function fetched() {
  try {
    const answer = await fetch(urlOf(`words/${base(language)}.json`), { signal: AbortSignal.timeout(PATIENCE) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function formatsOf() {
  return {
    plural: new Intl.PluralRules(language),
    number: new Intl.NumberFormat(language),
    moment: new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" }),
    day: new Intl.DateTimeFormat(language, { day: "numeric", month: "long" }),
    dayAndYear: new Intl.DateTimeFormat(language, { dateStyle: "long" }),
    counted: new Intl.RelativeTimeFormat(language),
    named: new Intl.RelativeTimeFormat(language, { numeric: "auto" }),
    country: new Intl.DisplayNames(language, { type: "region" }),
    list: new Intl.ListFormat(language),
  };
}

function isRightToLeft() {
  return base(language) === "ar";
}

function fill(root) {
  for (const each of root.querySelectorAll("[data-words]")) {
    each.textContent = text(each.getAttribute("data-words"));
  }
  for (const each of root.querySelectorAll("[data-words-label]")) {
    each.setAttribute("aria-label", text(each.getAttribute("data-words-label")));
  }
}

/** Return a text with its values in it; among plurals, the value `number` chooses. */
export function text(key, values = {}) {
  const found = words[key] ?? key;
  const form = found[formats.plural.select(values.number)] ?? found.other ?? found;
  return form.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

function shown(value) {
  if (typeof value === "number") return formats.number.format(value);
  // A name in another script is not to reorder the words around it: UAX #9, section 2.4.
  return isRightToLeft() ? `\u2068${value}\u2069` : value;
}

// Times are in seconds since 1970; what is no time has no text.

const isTime = (seconds) => typeof seconds === "number" && Math.abs(seconds) <= LATEST;
const format = (kind, seconds) => (isTime(seconds) ? formats[kind].format(seconds * 1000) : "");

export const moment = (seconds) => format("moment", seconds);

/** Return a date without its time, and without its year where that is this one. */
export function day(seconds) {
  const isThisYear = new Date(seconds * 1000).getFullYear() === new Date().getFullYear();
  return format(isThisYear ? "day" : "dayAndYear", seconds);
}

/** Return how long ago a time was, and "now" where it is still to come by this clock. */
export function ago(seconds) {
  if (!isTime(seconds)) return "";
  const now = Date.now() / 1000;
  const [unit, length] = UNITS.find(([, each]) => now - seconds >= each) ?? [];
  if (!unit) return formats.named.format(0, "second"); // nobody wants to see seconds pass
  // "yesterday" is a day of the calendar; "last month" may be wrong a month later.
  if (unit === "day") return formats.named.format(calendarDay(seconds) - calendarDay(now), unit);
  return formats.counted.format(-Math.floor((now - seconds) / length), unit);
}

function calendarDay(seconds) {
  const at = new Date(seconds * 1000);
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / 86_400_000;
}

/** Return a length of time, rounded up. */
export function duration(seconds) {
  const [unit, each] = UNITS.find(([, each]) => seconds > 1.5 * each) ?? ["second", 1];
  const options = { style: "unit", unit, unitDisplay: "long" };
  return new Intl.NumberFormat(language, options).format(Math.ceil(seconds / each) || 0);
}

/** Return a country's name, or its code where it has none. */
export function country(code) {
  try {
    return formats.country.of(code);
  } catch {
    return `${code ?? ""}`;
  }
}

/** Return the sentence for an error of the client; when to try again is left to the page. */
export function explanation({ name, reason, until, fields = [], requestId }) {
  if (name === "InvalidSession" && `reason.${reason}` in words) return text(`reason.${reason}`);
  if (name === "Banned") return explainedBan(reason, until);
  if (name === "MissingFields") {
    const labels = fields.map((field) => (Object.hasOwn(FIELDS, field) ? text(FIELDS[field]) : field));
    return text("error.MissingFields", { fields: formats.list.format(labels) });
  }
  if (`error.${name}` in words) return text(`error.${name}`);
  const said = text("error.other");
  // Operators find the request by its number.
  return requestId ? text("error.request", { said, request: requestId }) : said;
}

function explainedBan(reason, until) {
  const end = { until: moment(until) };
  const said = end.until ? text("error.banned_until", end) : text("error.Banned");
  return reason ? text("error.banned_reason", { said, reason }) : said;
}
