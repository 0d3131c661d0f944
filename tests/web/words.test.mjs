// Each function of web/words.js, in each language, with a document and a network that are played.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, mock, test } from "node:test";

const WEB = new URL("../../web/", import.meta.url);
const NOW = Date.UTC(2026, 10, 27, 14, 5) / 1000;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const LANGUAGES = ["en", "de", "fr", "es", "ja", "ar"];

// Node takes a file *.js for CommonJS where no package.json says otherwise.
const asModule = (source) => `data:text/javascript,${encodeURIComponent(source)}`;
const read = (name) => readFileSync(new URL(name, WEB), "utf8");
const source = read("words.js").replace("./url.js", asModule(read("url.js")));
const words = await import(asModule(source));
process.env.TZ = "UTC";
mock.timers.enable({ apis: ["Date"], now: NOW * 1000 });

let requested;
let missing;
let offline;
globalThis.fetch = async (url) => {
  requested.push(url.href);
  if (offline) throw new TypeError("Failed to fetch");
  if (missing.some((name) => url.pathname.endsWith(name))) {
    return { ok: false, json: async () => ({ code: "ENDPOINT_NOT_FOUND_ERROR" }) };
  }
  const body = readFileSync(new URL(url.pathname.slice(1), WEB), "utf8");
  return { ok: true, json: async () => JSON.parse(body) };
};

beforeEach(() => {
  requested = [];
  missing = [];
  offline = false;
});

/** Return an element with these attributes. */
function element(attributes) {
  return {
    getAttribute: (name) => attributes[name],
    setAttribute: (name, value) => (attributes[name] = value),
    attributes,
  };
}

function momentIn(language) {
  const format = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });
  return format.format(NOW * 1000);
}

async function load(languages, { elements = {}, inTemplate = {} } = {}) {
  const content = { querySelectorAll: (selector) => inTemplate[selector] ?? [] };
  const found = { template: [{ content }], ...elements };
  globalThis.document = {
    baseURI: "https://joe:secret@sessions.example/",
    documentElement: {},
    querySelectorAll: (selector) => found[selector] ?? [],
  };
  Object.defineProperty(globalThis, "navigator", { value: { languages }, configurable: true });
  await words.load();
  return document.documentElement;
}

for (const [languages, lang, used] of [
  [["en-US@posix"], "en", "en-US"],
  [["C"], "en", "en"],
  [["C.UTF-8", "de_AT.UTF-8"], "de", "de-AT"],
  [["POSIX", "und", "", "*", "x", "fr-CA"], "fr", "fr-CA"],
  [["zh-Hant-TW"], "en", "en"],
  [["zh-Hant-TW", "ja-JP", "en"], "ja", "ja-JP"],
  [["pt-BR", "es-419", "en"], "es", "es-419"],
  [["EN-gb", "de"], "en", "en-GB"],
  [["ar-EG"], "ar", "ar-EG"],
  [["constructor", null, 7, {}, "de"], "de", "de"],
  [[], "en", "en"],
  [undefined, "en", "en"],
]) {
  test(`a reader of ${JSON.stringify(languages)} reads ${used}`, async () => {
    const { lang: shown, dir } = await load(languages);
    assert.deepEqual([shown, dir], [lang, lang === "ar" ? "rtl" : "ltr"]);
    assert.equal(words.moment(NOW), momentIn(used));
    assert.deepEqual(requested, [`https://sessions.example/words/${lang}.json`]);
  });
}

test("a language whose file is not there is English in all respects", async () => {
  missing = ["ar.json"];
  const { lang, dir } = await load(["ar-EG"]);
  assert.deepEqual([lang, dir, words.moment(NOW)], ["en", "ltr", momentIn("en")]);
  assert.equal(words.text("list.count", { number: 1234 }), "1,234 sessions");
  offline = true;
  await load(["ar-EG"]);
  assert.equal(words.text("list.log_out"), "list.log_out");
});

test("texts come to the elements that have their keys, also to those of a template", async () => {
  const button = element({ "data-words": "list.log_out" });
  const list = element({ "data-words-label": "list.label" });
  const badge = element({ "data-words": "session.this" });
  await load(["de"], {
    elements: { "[data-words]": [button], "[data-words-label]": [list] },
    inTemplate: { "[data-words]": [badge] },
  });
  assert.equal(button.textContent, "Abmelden");
  assert.equal(list.attributes["aria-label"], "Sitzungen");
  assert.equal(badge.textContent, "Diese Sitzung");
});

for (const language of LANGUAGES) {
  test(`each text is filled in, and nothing throws: ${language}`, async () => {
    await load([language]);
    const all = JSON.parse(readFileSync(new URL(`words/${language}.json`, WEB), "utf8"));
    for (const [key, text] of Object.entries(all)) {
      for (const number of [0, 1, 2, 3, 11, 100, 1_000_000]) {
        const names = [...JSON.stringify(text).matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const values = Object.fromEntries(names.map((name) => [name, `<${name} $&>`]));
        const said = words.text(key, { ...values, number });
        assert.doesNotMatch(said, /[{}]|undefined|\[object/, key);
        if (typeof text === "string") for (const name of names) {
          if (name !== "number") assert.ok(said.includes(`<${name} $&>`), key);
        }
      }
    }
    const plurals = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    assert.deepEqual(Object.keys(all["list.count"]).sort(), plurals.sort());
    for (const odd of [undefined, null, NaN, Infinity, -Infinity, 8.65e12, 1e300, "5", {}, []]) {
      for (const said of [words.moment(odd), words.day(odd), words.ago(odd)]) assert.equal(said, "");
      assert.equal(typeof words.duration(odd), "string");
      assert.equal(typeof words.country(odd), "string");
      assert.ok(words.explanation({ name: odd, reason: odd, until: odd }));
      assert.ok(words.explanation({ name: "Banned", reason: "spam", until: odd }).includes("spam"));
    }
  });
}

for (const [language, ...says] of [
  ["en-GB", "27 November", "27 November 2025", "2 minutes"],
  ["en-US", "November 27", "November 27, 2025", "2 minutes"],
  ["de-AT", "27. November", "27. November 2025", "2 Minuten"],
  ["fr-FR", "27 novembre", "27 novembre 2025", "2 minutes"],
  ["es-MX", "27 de noviembre", "27 de noviembre de 2025", "2 minutos"],
  ["ja-JP", "11月27日", "2025年11月27日", "2 分"],
  ["ar-EG", "٢٧ نوفمبر", "٢٧ نوفمبر ٢٠٢٥", "دقيقتان"],
]) {
  test(`times are said as in ${language}`, async () => {
    await load([language]);
    assert.deepEqual([words.day(NOW), words.day(NOW - 365 * DAY), words.duration(120)], says);
  });
}

test("how long ago is said as one reckons, and never as still to come", async () => {
  await load(["en"]);
  const said = [-HOUR, 0, 59, 60, 119, 5 * 60, HOUR, 23 * HOUR, DAY, 35 * HOUR, 39 * HOUR, 6 * DAY]
    .map((away) => words.ago(NOW - away));
  assert.deepEqual(said, [
    "now", "now", "now", "1 minute ago", "1 minute ago", "5 minutes ago", "1 hour ago",
    "23 hours ago", "yesterday", "yesterday", "2 days ago", "6 days ago",
  ]);
  assert.deepEqual([40, 800].map((days) => words.ago(NOW - days * DAY)), ["1 month ago", "2 years ago"]);
});

test("a length of time is rounded up", async () => {
  await load(["en"]);
  const said = [-5, 0, 0.2, 1, 90, 91, 600, 5401].map(words.duration);
  assert.deepEqual(said, [
    "-5 seconds", "0 seconds", "1 second", "1 second", "90 seconds", "2 minutes", "10 minutes", "2 hours",
  ]);
});

test("a number is chosen, and said, as in the language", async () => {
  const counts = async (language, ...numbers) => {
    await load([language]);
    return numbers.map((number) => words.text("list.count", { number }));
  };
  assert.deepEqual(await counts("fr", 0, 1, 2), ["0 session", "1 session", "2 sessions"]);
  assert.deepEqual(await counts("ar-EG", 1, 2, 3, 11, 100), ["جلسة واحدة", "جلستان", "٣ جلسات", "١١ جلسة", "١٠٠ جلسة"]);
});

test("a country has its name in the reader's language, or keeps its code", async () => {
  await load(["ja"]);
  assert.deepEqual(["DE", "XX", "??", undefined].map(words.country), ["ドイツ", "XX", "??", ""]);
});

test("what is filled in keeps its own direction between Arabic words, and is as it was in others", async () => {
  await load(["ar"]);
  assert.ok(words.text("end.one", { name: "Chrome on Windows" }).includes("\u2068Chrome on Windows\u2069"));
  await load(["en"]);
  assert.equal(words.text("end.one", { name: "Chrome on Windows" }), "Ended the session Chrome on Windows.");
});

test("an error is explained by its kind, and by why where that is told", async () => {
  await load(["en-GB"]);
  for (const [error, said] of [
    [{ name: "InvalidSession", reason: "password_changed" }, "You were logged out because your password was changed."],
    [{ name: "InvalidSession", reason: null }, "You were logged out. Log in again to see your sessions."],
    [{ name: "InvalidSession", reason: "eaten" }, "You were logged out. Log in again to see your sessions."],
    [{ name: "Banned", reason: null, until: null }, "This account is banned."],
    [{ name: "Banned", until: NOW }, "This account is banned until 27 November 2026 at 14:05."],
    [{ name: "Banned", until: NOW, reason: "spam" }, "This account is banned until 27 November 2026 at 14:05. Reason: spam"],
    [{ name: "Banned", reason: "spam" }, "This account is banned. Reason: spam"],
    [{ name: "MissingFields", fields: ["user", "pass"] }, "Please check: Username or e-mail and Password."],
    [{ name: "MissingFields", fields: ["toString"] }, "Please check: toString."],
    [{ name: "RateLimited", retryAfter: 5 }, "There were too many tries."],
    [{ name: "Internal", requestId: "1-2" }, "Something went wrong with the service. Please try again later. (request 1-2)"],
    [new TypeError("ours"), "Something went wrong with the service. Please try again later."],
  ]) assert.equal(words.explanation(error), said);
});
