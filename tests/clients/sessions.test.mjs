// The JavaScript client against a service that runs; test_js_client.py says where, and runs this.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { inspect } from "node:util";

import * as sessions from "../../clients/js/sessions.js";

const { SERVICE_URL } = process.env;
const PASSWORD = "correct horse battery staple";

let users = 0;

/** Create a user, as `sessionctl` does, and return the username. */
async function newUser() {
  users += 1;
  const username = `js${users}`;
  const user = { username, email: `${username}@example.com`, password: PASSWORD };
  const answer = await fetch(new URL("/2015-03-31/functions/create_user/invocations", SERVICE_URL), {
    method: "POST",
    headers: { Authorization: "AWS4-HMAC-SHA256 of nobody" },
    body: JSON.stringify(user),
  });
  assert.equal((await answer.json()).username, username);
  return username;
}

function client(options) {
  return new sessions.SessionsClient(SERVICE_URL, options);
}

/** Return a client that is logged in, as a new user or once more as one. */
async function loggedIn(user) {
  const one = client();
  await one.logIn({ user: user ?? (await newUser()), password: PASSWORD });
  return one;
}

/** Return the error that a call rejects with; it must be of this class itself. */
async function rejection(call, kind) {
  const error = await call.then(
    (value) => assert.fail(`it gave ${inspect(value)}`),
    (reason) => reason,
  );
  assert.equal(error.constructor, kind, inspect(error));
  if (error instanceof sessions.SessionsError) assert.equal(error.name, kind.name);
  return error;
}

async function gathered(iterator) {
  const found = [];
  for await (const item of iterator) found.push(item);
  return found;
}

// ------------------------------------------------------------ operations

test("logs in with a name, sees the session and logs out", async () => {
  const user = await newUser();
  const here = client();
  assert.equal(here.token, null);
  const { token, exp } = await here.logIn({ user, password: PASSWORD, name: "نوت\u200cبوک 👩\u200d💻" });
  assert.equal(here.token, token);
  const session = await here.currentSession();
  assert.equal(session.name, "نوت\u200cبوک 👩\u200d💻");
  assert.ok(Math.abs(session.createdAt - Date.now() / 1000) < 60);
  assert.equal(session.exp, exp);
  assert.deepEqual(await here.session(session.iat), session);
  assert.deepEqual(await here.session(String(session.iat)), session);
  assert.equal(await here.endSession(session.iat), undefined);
  await rejection(here.currentSession(), sessions.InvalidSession);
});

test("logs in by e-mail address, to be remembered", async () => {
  const one = client();
  await one.logIn({ user: `${await newUser()}@example.com`, password: PASSWORD, rememberMe: true });
  const { exp, createdAt } = await one.currentSession();
  assert.ok(exp - createdAt > 9 * 365 * 86400);
});

test("takes a token that there is already, and logs in anew with a stale one", async () => {
  const user = await newUser();
  const { token } = await loggedIn(user);
  const again = client({ token });
  const { iat } = await again.currentSession();
  await again.endSession(iat);
  await again.logIn({ user, password: PASSWORD });
  assert.notEqual((await again.currentSession()).iat, iat);
  again.token = null;
  await rejection(again.currentSession(), sessions.InvalidSession);
});

test("logs in afresh in the place of the session in use", async () => {
  const one = client();
  await one.logIn({ user: await newUser(), password: PASSWORD, rememberMe: true, name: "mine" });
  const before = await one.currentSession();
  await rejection(one.reauthenticate("wrong"), sessions.InvalidPassword);
  assert.deepEqual(await one.currentSession(), before);
  const { token } = await one.reauthenticate(PASSWORD);
  assert.equal(one.token, token);
  const { count, items: [session] } = await one.sessions();
  assert.deepEqual([count, session.name, session.iat > before.iat], [1, "mine", true]);
  assert.ok(session.exp - session.createdAt > 9 * 365 * 86400);
});

test("logs in afresh with a token of before, if it is told whose it is", async () => {
  const user = await newUser();
  const { token } = await loggedIn(user);
  const again = client({ token });
  await rejection(again.reauthenticate(PASSWORD), TypeError);
  await again.reauthenticate(PASSWORD, { user, name: "again" });
  assert.deepEqual((await again.sessions()).items.map(({ name }) => name), ["again"]);
});

test("lists the sessions by pages, newest first", async () => {
  const user = await newUser();
  const one = await loggedIn(user);
  for (let n = 0; n < 2; n += 1) await loggedIn(user);
  const all = await one.sessions();
  assert.equal(all.count, 3);
  assert.equal(all.items.length, 3);
  assert.ok(all.items[0].iat > all.items[1].iat);
  assert.deepEqual(await one.sessions({ limit: 1, offset: 1 }), { count: 3, items: [all.items[1]] });
  assert.deepEqual(await one.sessions({ offset: 3 }), { count: 3, items: [] });
});

test("iterates over every session, whatever the size of pages", async () => {
  const user = await newUser();
  const one = await loggedIn(user);
  for (let n = 0; n < 4; n += 1) await loggedIn(user);
  const { items } = await one.sessions();
  for (const pageSize of [1, 2, 3, 4, 5, 6, 1000]) {
    assert.deepEqual(await gathered(one.allSessions({ pageSize })), items, `pages of ${pageSize}`);
  }
  assert.deepEqual(await gathered(one.allSessions()), items);
});

test("iterates over every session while each is ended as it comes", async () => {
  const user = await newUser();
  const one = await loggedIn(user);
  const { iat } = await one.currentSession();
  for (let n = 0; n < 6; n += 1) await loggedIn(user);
  let ended = 0;
  for await (const session of one.allSessions({ pageSize: 3 })) {
    if (session.iat === iat) continue;
    await one.endSession(session.iat);
    ended += 1;
  }
  assert.equal(ended, 6);
  assert.equal((await one.sessions()).count, 1);
});

test("iterates over each session once while somebody logs in", async () => {
  const user = await newUser();
  const one = await loggedIn(user);
  for (let n = 0; n < 3; n += 1) await loggedIn(user);
  const expected = (await one.sessions()).items;
  const seen = [];
  for await (const session of one.allSessions({ pageSize: 2 })) {
    seen.push(session);
    if (seen.length === 1) await loggedIn(user);
  }
  assert.deepEqual(seen, expected);
});

test("ends several sessions, and all but this one, and all", async () => {
  const user = await newUser();
  const one = await loggedIn(user);
  for (let n = 0; n < 4; n += 1) await loggedIn(user);
  const [first, second] = (await one.sessions()).items;
  assert.equal(await one.endSessions([first.iat, String(second.iat), "no ID", 1]), 2);
  assert.equal(await one.endSessions(new Set()), 0);
  assert.equal(await one.endAllSessions({ exceptThis: true }), 2);
  assert.equal((await one.sessions()).count, 1);
  await loggedIn(user);
  assert.equal(await one.endAllSessions(), 2);
  await rejection(one.currentSession(), sessions.InvalidSession);
});

// ---------------------------------------------------------------- errors

test("says which fields are missing or wrong", async () => {
  const one = await loggedIn();
  const error = await rejection(one.sessions({ limit: 0, offset: -1 }), sessions.MissingFields);
  assert.deepEqual(error.fields, ["limit", "offset"]);
  assert.equal(error.status, 400);
  assert.equal(error.code, "MISSING_FIELDS_ERROR");
  assert.equal(error.message, "Missing Fields");
  assert.match(error.requestId, /^[0-9a-f-]{36}$/);
  const empty = await rejection(client().logIn({ user: "", password: "" }), sessions.MissingFields);
  assert.deepEqual(empty.fields, ["user", "pass"]);
});

test("knows that a token is none", async () => {
  for (const token of [null, undefined, "", "none"]) {
    const error = await rejection(client({ token }).sessions(), sessions.InvalidSession);
    assert.equal(error.status, 401);
    assert.equal(error.code, "INVALID_SESSION_ERROR");
    assert.equal(error.reason, null);
  }
});

test("asks for nothing with what cannot be an ID", async () => {
  const one = client({ fetch: () => assert.fail("it asked") });
  for (const id of ["..", ".", "", "../sessions/all", "1/../..", "1?x", undefined]) {
    await rejection(one.session(id), TypeError);
    await rejection(one.endSession(id), TypeError);
  }
});

test("knows a wrong base URL, and does not mind a slash at its end", async () => {
  const lost = new sessions.SessionsClient(`${SERVICE_URL}/nowhere`);
  await rejection(lost.currentSession(), sessions.InvalidEndpoint);
  const slashed = new sessions.SessionsClient(new URL(`${SERVICE_URL}/`));
  await rejection(slashed.currentSession(), sessions.InvalidSession);
});

test("shows no token and no password when it or an error is printed", async () => {
  const one = await loggedIn();
  const { token } = one;
  await one.endAllSessions();
  const error = await rejection(one.currentSession(), sessions.InvalidSession);
  for (const shown of [inspect(one, { showHidden: true, depth: 9 }), JSON.stringify(one)]) {
    assert.ok(!shown.includes(token));
  }
  assert.ok(!inspect(error, { showHidden: true, depth: 9 }).includes(token));
});

// --------------------------------------------------- what the service seldom answers

const servers = [];
after(() => servers.forEach((server) => server.close()));

/** Start a server that gives these answers in turn, and keeps the requests. */
async function canned(...answers) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const answer = answers.shift();
    if (answer === undefined) {
      request.socket.destroy();
      return;
    }
    request.resume();
    const [status, headers, body] = answer;
    response.writeHead(status, { Connection: "close", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  servers.push(server);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/api`, requests };
}

const DONE = [200, {}, { count: 0, items: [] }];
const UNAVAILABLE = { code: "SERVICE_UNAVAILABLE_ERROR", message: "Service Unavailable" };
const LIMITED = { code: "RATELIMITED_ERROR", message: "You Have Been Ratelimited." };

/** Return a client of canned answers, and the seconds that it waited. */
async function impatient(answers, options) {
  const { url, requests } = await canned(...answers);
  const waits = [];
  const sleep = async (milliseconds) => {
    waits.push(milliseconds / 1000);
  };
  return { one: new sessions.SessionsClient(url, { sleep, ...options }), waits, requests };
}

test("iterates in pages of the size that it is told", async () => {
  const { one, requests } = await impatient([DONE]);
  assert.deepEqual(await gathered(one.allSessions({ pageSize: 7 })), []);
  assert.deepEqual(requests.map(({ url }) => url), ["/api/sessions?limit=7&offset=0"]);
});

test("iterates over every session that is left when several end at once", async () => {
  for (let ended = 0; ended <= 12; ended += 1) {
    const session = { exp: 99, sub: "u", name: "n", createdAt: 1, method: "password" };
    const left = Array.from({ length: 12 }, (_, n) => ({ ...session, iat: 12 - n }));
    let requests = 0;
    const fetch = async (url) => {
      requests += 1;
      const { searchParams } = new URL(url);
      const [offset, limit] = ["offset", "limit"].map((name) => Number(searchParams.get(name)));
      const items = left.slice(offset, offset + limit);
      return new Response(JSON.stringify({ count: left.length, items }));
    };
    const seen = [];
    for await (const { iat } of client({ fetch }).allSessions({ pageSize: 3 })) {
      seen.push(iat);
      if (seen.length === 7) left.splice(0, ended); // with the last of the third page
    }
    const expected = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1].filter((iat) => iat > 5 || iat <= 12 - ended);
    assert.deepEqual(seen, expected, `${ended} ended`);
    assert.ok(requests < 10, "it goes back by whole pages");
  }
});

test("tries again after the time that the answer names", async () => {
  const answers = [
    [429, { "Retry-After": "7" }, LIMITED],
    [503, { "Retry-After": "30" }, UNAVAILABLE],
    [503, {}, "a proxy's page"],
    DONE,
  ];
  const { one, waits, requests } = await impatient(answers);
  assert.deepEqual(await one.sessions({ limit: 5 }), DONE[2]);
  assert.deepEqual(waits, [7, 30, 1]);
  assert.deepEqual(new Set(requests.map(({ url }) => url)), new Set(["/api/sessions?limit=5"]));
});

test("tries a login again that was answered, since nothing came of it", async () => {
  const answers = [
    [503, { "Retry-After": "1" }, UNAVAILABLE],
    [201, {}, { token: "t", exp: 5 }],
  ];
  const { one, requests } = await impatient(answers);
  assert.deepEqual(await one.logIn({ user: "joe", password: "joe" }), { token: "t", exp: 5 });
  assert.equal(requests.length, 2);
});

test("tries three times more, or as often as it is told", async () => {
  const busy = [503, { "Retry-After": "2" }, UNAVAILABLE];
  const first = await impatient(Array(9).fill(busy));
  const error = await rejection(first.one.currentSession(), sessions.Unavailable);
  assert.deepEqual([error.status, error.retryAfter], [503, 2]);
  assert.deepEqual(first.waits, [2, 2, 2]);
  const second = await impatient(Array(9).fill(busy), { retries: 0 });
  await rejection(second.one.currentSession(), sessions.Unavailable);
  assert.equal(second.requests.length, 1);
});

test("does not wait longer than half a minute", async () => {
  const headers = { "Retry-After": "31", "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0" };
  const { one, waits } = await impatient([[429, headers, LIMITED]]);
  const error = await rejection(one.currentSession(), sessions.RateLimited);
  assert.deepEqual([error.retryAfter, error.limit, error.remaining], [31, 5, 0]);
  assert.deepEqual(waits, []);
});

test("waits until the date that the answer names, by the clock of who sent it", async () => {
  const Date = "Thu, 01 Jan 2026 00:00:00 GMT"; // long ago: our own clock does not matter
  const until = (time) => ({ Date, "Retry-After": `Thu, 01 Jan 2026 ${time} GMT` });
  const over = { Date, "Retry-After": "Wed, 31 Dec 2025 23:59:59 GMT" };
  const answers = [[429, until("00:00:20"), LIMITED], [503, over, UNAVAILABLE], DONE];
  const { one, waits } = await impatient(answers);
  assert.deepEqual(await one.sessions(), DONE[2]);
  assert.deepEqual(waits, [20, 1]);
  const late = await impatient([[429, until("00:00:31"), LIMITED], DONE]);
  const error = await rejection(late.one.sessions(), sessions.RateLimited);
  assert.deepEqual([error.retryAfter, late.waits], [31, []]);
});

test("reads a date by its own clock where it is told no other", async () => {
  const headers = new Headers({ "Retry-After": new Date(Date.now() + 3_600_000).toUTCString() });
  const body = JSON.stringify(LIMITED);
  const one = client({ fetch: async () => new Response(body, { status: 429, headers }) });
  const { retryAfter } = await rejection(one.sessions(), sessions.RateLimited);
  assert.ok(Math.abs(retryAfter - 3600) < 60, `${retryAfter} s`);
});

test("does not wait for a moment after half a minute, however it is written", async () => {
  for (const header of ["9999999999999999", "9".repeat(5000), "Fri, 31 Dec 9999 23:59:59 GMT"]) {
    const { one, waits } = await impatient([[503, { "Retry-After": header }, UNAVAILABLE], DONE]);
    const error = await rejection(one.sessions(), sessions.Unavailable);
    assert.ok(Number.isSafeInteger(error.retryAfter) && error.retryAfter >= 2 ** 31, header);
    assert.deepEqual(waits, []);
  }
});

test("waits a second where the header names no moment", async () => {
  for (const header of ["", "soon", "-5", "7.5", "Thu, 99 Foo 2026 00:00:00 GMT"]) {
    const { one, waits } = await impatient([[503, { "Retry-After": header }, UNAVAILABLE], DONE]);
    assert.deepEqual(await one.sessions(), DONE[2]);
    assert.deepEqual(waits, [1], header);
  }
});

test("does not try again what may still be at work, or was answered otherwise", async () => {
  const mistake = { code: "INTERNAL_SERVER_ERROR", message: "Internal Server Error" };
  const late = await impatient([[504, { "Retry-After": "1" }, UNAVAILABLE], DONE]);
  assert.equal((await rejection(late.one.sessions(), sessions.Unavailable)).status, 504);
  const failed = await impatient([[500, {}, mistake], DONE]);
  await rejection(failed.one.sessions(), sessions.Internal);
  assert.equal(late.requests.length + failed.requests.length, 2);
});

test("does not try again what got no answer", async () => {
  const { one, requests } = await impatient([]);
  const error = await rejection(
    one.logIn({ user: "joe", password: "joe" }),
    sessions.NetworkError,
  );
  assert.ok(error.cause instanceof Error);
  assert.equal(one.token, null);
  assert.equal(error.status, null);
  assert.ok(error instanceof sessions.SessionsError);
  assert.equal(requests.length, 1);
});

test("knows what is no answer of the service", async () => {
  const unknown = "Not an answer of the session service: HTTP status";
  const cases = [
    [[502, {}, "<html>Bad Gateway</html>"], null, `${unknown} 502`],
    [[200, {}, "<html>Log in to this network</html>"], null, `${unknown} 200`],
    [[200, {}, null], null, `${unknown} 200`],
    [[403, {}, { code: 5, message: { no: "words" } }], null, `${unknown} 403`],
    [[403, {}, { message: "Forbidden" }], null, "Forbidden"],
    [[418, {}, { code: "TEAPOT", message: "short and stout" }], "TEAPOT", "short and stout"],
  ];
  const { one } = await impatient(cases.map(([answer]) => answer));
  for (const [[status], code, message] of cases) {
    const error = await rejection(one.sessions(), sessions.SessionsError);
    assert.deepEqual([error.status, error.code, error.message], [status, code, message]);
  }
});

test("knows that a success which lacks what it must hold is none", async () => {
  const deep = "[".repeat(200_000);
  const session = { iat: 5, exp: 6, sub: "u", name: "n", createdAt: 4, method: "password" };
  const cases = [
    ["logIn", [{}, { token: null, exp: 5 }, { token: 5, exp: 5 }, { token: "t" }, [], deep]],
    ["currentSession", [{}, { ...session, iat: "5" }, { ...session, name: null }, { ...session, createdAt: "4" }, { ...session, by: 5 }, deep]],
    ["currentSession", [{ ...session, usedAt: "4" }, { ...session, idleExp: null }, { ...session, address: 5 }, { ...session, country: null }]],
    ["sessions", [{}, { count: 1 }, { count: 1, items: [{}] }, { count: "1", items: [] }, [], deep]],
    ["endSessions", [{}, { count: null }, deep]],
    ["endAllSessions", [{}, { count: "1" }, deep]],
    ["endSession", [[], "5", deep]],
  ];
  const given = { logIn: { user: "joe", password: "joe" }, endSessions: [1], endSession: 1 };
  for (const [call, bodies] of cases) {
    for (const body of bodies) {
      const status = call === "logIn" ? 201 : 200;
      const { one, waits } = await impatient([[status, {}, body], DONE], { token: "old" });
      const error = await rejection(one[call](given[call]), sessions.SessionsError);
      assert.deepEqual([error.status, one.token, waits], [status, "old", []], inspect({ call, body }));
    }
  }
});

test("ends its way through sessions where a page has too few of them", async () => {
  const page = { count: 9, items: [{ iat: 5, exp: 6, sub: "u", name: "n", createdAt: 4, method: "password" }] };
  for (const items of [[], page.items]) {
    const { one, requests } = await impatient([[200, {}, { ...page, items }], DONE]);
    assert.deepEqual(await gathered(one.allSessions()), items);
    assert.equal(requests.length, 1);
  }
});

test("says why a session is over, and why and for how long its user is banned", async () => {
  const one = await loggedIn();
  await one.endAllSessions();
  const over = await rejection(one.currentSession(), sessions.InvalidSession);
  assert.equal(over.reason, "all");
  const told = { code: "BANNED_ERROR", message: "Account Banned", reason: "spam", until: 1800000000 };
  const { one: member } = await impatient([[403, {}, told]]);
  const banned = await rejection(member.currentSession(), sessions.Banned);
  assert.deepEqual([banned.reason, banned.until], ["spam", 1800000000]);
});

test("takes from an error only reasons that are words, and ends that are times", async () => {
  const wrong = [undefined, null, 5, true, ["all"], { all: 1 }];
  const codes = [[401, "INVALID_SESSION_ERROR"], [403, "BANNED_ERROR"]];
  const { one } = await impatient(codes.flatMap(([status, code]) => (
    wrong.map((reason) => {
      const until = reason === 5 ? "5" : reason;
      return [status, {}, { code, message: "No", reason, until }];
    })
  )));
  for (const kind of [sessions.InvalidSession, sessions.Banned]) {
    for (const _ of wrong) {
      const error = await rejection(one.sessions(), kind);
      assert.deepEqual([error.reason, error.until ?? null], [null, null]);
    }
  }
});

test("takes from an error only fields that are words", async () => {
  const named = [undefined, null, "user", 5, { user: 1 }, ["user", 5, null]];
  const answers = named.map((fields) => {
    const body = { code: "MISSING_FIELDS_ERROR", message: "Missing Fields", fields };
    return [400, {}, body];
  });
  const { one } = await impatient(answers);
  for (const fields of named) {
    const error = await rejection(one.sessions(), sessions.MissingFields);
    assert.deepEqual(error.fields, Array.isArray(fields) ? ["user"] : []);
  }
});

test("takes no base URL with a password, which would go in the token's place", () => {
  const urls = ["http://joe:secret@service/api", "//joe@service/api", "http://:secret@service"];
  for (const url of [...urls, new URL(urls[0]), "http://joe:secret@"]) {
    assert.throws(() => new sessions.SessionsClient(url), (error) => {
      assert.equal(error.constructor, sessions.SessionsError);
      return !inspect(error, { showHidden: true }).includes("secret");
    });
  }
});

test("takes the path of a page's own origin for a base URL", async () => {
  const asked = [];
  const fetch = async (url) => asked.push(url) && new Response(JSON.stringify(DONE[2]));
  await new sessions.SessionsClient("/api/", { fetch }).sessions();
  assert.deepEqual(asked, ["/api/sessions"]);
});

test("asks for nothing with a token that no header can hold", async () => {
  const options = { fetch: () => assert.fail("it asked") };
  for (const mark of ["\n", "\r\nX-Evil: 1", "\0", "\x01", "\x7f"]) {
    const broken = client({ ...options, token: `secret${mark}token` });
    const error = await rejection(broken.sessions(), sessions.SessionsError);
    assert.ok(!inspect(error, { showHidden: true, depth: 9 }).includes("secret"));
  }
});

test("drops white space around a token, such as the line end of a file", async () => {
  const { one, requests } = await impatient([DONE], { token: "\ufeff t\r\n" });
  await one.sessions();
  assert.equal(requests[0].headers.authorization, "t");
});

test("is refused by the service what is far too long, or no text", async () => {
  const long = "9".repeat(200_000);
  const none = client({ token: "nöne 日" });
  await rejection(none.sessions(), sessions.InvalidSession);
  const calls = [
    () => client().logIn({ user: long, password: "joe" }),
    () => client().logIn({ user: "\ud800", password: "\ud800" }),
    () => client({ token: long }).sessions(),
    () => client().session(long),
  ];
  for (const call of calls) {
    const error = await call().then(
      () => assert.fail("it was answered"),
      (reason) => reason,
    );
    assert.ok(error instanceof sessions.SessionsError, inspect(error));
  }
});

test("takes a password and a token to nowhere else", async () => {
  const elsewhere = await canned(DONE);
  const { one } = await impatient([[307, { Location: elsewhere.url }, ""]]);
  await rejection(one.logIn({ user: "joe", password: "joe" }), sessions.NetworkError);
  assert.equal(elsewhere.requests.length, 0);
});

test("sends only headers that preflights allow, and the token only where it is needed", async () => {
  const { one, requests } = await impatient([[201, {}, { token: "t", exp: 5 }], DONE, DONE], {
    token: "old",
  });
  await one.logIn({ user: "joe", password: "joe", name: "mine" });
  await one.endSessions([1]);
  await one.sessions();
  const [login, end, list] = requests.map(({ headers }) => headers);
  assert.equal(login.authorization, undefined);
  assert.equal(end.authorization, "t");
  assert.equal(login["content-type"], "application/json");
  assert.equal(list["content-type"], undefined);
  assert.equal(list.accept, "application/json");
  const preflight = await fetch(`${SERVICE_URL}/session`, {
    method: "OPTIONS",
    headers: { Origin: "http://localhost:8080", "Access-Control-Request-Method": "POST" },
  });
  const allowed = preflight.headers.get("Access-Control-Allow-Headers").toLowerCase().split(/, */);
  // What browsers send by themselves, or let pages set without asking (Fetch Standard, 2.2.2).
  const free = ["accept", "accept-encoding", "accept-language", "connection", "content-length"];
  free.push("host", "sec-fetch-mode", "user-agent");
  for (const headers of [login, end, list]) {
    const asked = Object.keys(headers).filter((name) => !free.includes(name));
    assert.deepEqual(asked.filter((name) => !allowed.includes(name)), []);
  }
});

test("is given up when its caller says so, at once", async () => {
  const gone = client({ token: "t" });
  const reason = new RangeError("no longer wanted");
  await rejection(gone.currentSession({ signal: AbortSignal.abort(reason) }), RangeError);

  const { url } = await canned([503, { "Retry-After": "20" }, UNAVAILABLE], DONE);
  const waiting = new sessions.SessionsClient(url);
  const abort = new AbortController();
  const call = waiting.sessions({ signal: abort.signal });
  const before = performance.now();
  setTimeout(() => abort.abort(reason), 100);
  await rejection(call, RangeError);
  assert.ok(performance.now() - before < 10_000);
  assert.ok(!process.getActiveResourcesInfo().includes("Timeout"), "a timer goes on");
});

test("waits by itself where it is given nothing to wait with, and leaves no listener", async () => {
  const { signal } = new AbortController();
  const answer = async () => new Response("{}", { status: 429, headers: { "Retry-After": "1" } });
  const done = async () => new Response(JSON.stringify(DONE[2]));
  const answers = [answer, done];
  const before = performance.now();
  await client({ fetch: () => answers.shift()() }).sessions({ signal });
  assert.ok(performance.now() - before >= 990);
  assert.deepEqual(answers, []);
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});

test("leaves the token to a cookie on the service's own page", async () => {
  const answers = [[201, {}, { exp: 5 }], DONE, [201, {}, { exp: 6 }], [201, {}, { token: "t", exp: 7 }], DONE];
  const { one, requests } = await impatient(answers, { cookie: true, token: "an old one" });
  assert.deepEqual(await one.logIn({ user: "joe", password: "joe" }), { token: null, exp: 5 });
  assert.equal(one.token, null);
  await one.sessions();
  assert.deepEqual(await one.reauthenticate("joe"), { token: null, exp: 6 });
  // A service without a cookie, or a browser that does not call the request same-origin.
  assert.deepEqual(await one.logIn({ user: "joe", password: "joe" }), { token: "t", exp: 7 });
  await one.sessions();
  const sent = (name) => requests.map(({ headers }) => headers[name]);
  assert.deepEqual(sent("x-session-cookie"), ["true", undefined, "true", "true", undefined]);
  assert.deepEqual(sent("x-replace-session"), [undefined, undefined, "true", undefined, undefined]);
  assert.deepEqual(sent("authorization"), [undefined, undefined, undefined, undefined, "t"]);
});

test("takes no login without a token where it asked for no cookie, nor one of another kind", async () => {
  const cases = [[false, { exp: 5 }], [true, { token: null, exp: 5 }], [true, { token: 5, exp: 5 }], [true, {}]];
  for (const [cookie, body] of cases) {
    const { one, requests } = await impatient([[201, {}, body]], { cookie });
    await rejection(one.logIn({ user: "joe", password: "joe" }), sessions.SessionsError);
    assert.equal(requests[0].headers["x-session-cookie"], cookie ? "true" : undefined);
  }
});

// ------------------------------------------------------------- back ends

const SECRET = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";
const SESSION = [200, {}, { iat: 5, exp: 6, sub: "u", name: "n", createdAt: 4, method: "password" }];
const TOKEN = [201, {}, { token: "new", exp: 5 }];

test("verifies the token of a caller, and leaves its own alone", async () => {
  const caller = await loggedIn();
  const here = await caller.currentSession();
  const own = await loggedIn();
  for (const backEnd of [client(), own]) {
    const { token } = backEnd;
    assert.deepEqual(await backEnd.verify(caller.token), here);
    assert.deepEqual(await backEnd.verify(` Bearer ${caller.token}\n`), here);
    assert.equal(backEnd.token, token);
  }
  await caller.endSession(here.iat);
  await rejection(own.verify(caller.token), sessions.InvalidSession);
  assert.notDeepEqual(await own.currentSession(), here);
});

test("asks only once whether a token is one", async () => {
  const cases = [[429, LIMITED, sessions.RateLimited], [503, UNAVAILABLE, sessions.Unavailable]];
  for (const [status, body, kind] of cases) {
    const answers = [[status, { "Retry-After": "1" }, body], SESSION];
    const { one, waits, requests } = await impatient(answers, { retries: 9 });
    const error = await rejection(one.verify(SECRET), kind);
    assert.deepEqual([error.retryAfter, waits, requests.length], [1, [], 1]);
  }
  const nobody = new sessions.SessionsClient("http://127.0.0.1:1/api");
  await rejection(nobody.verify(SECRET), sessions.NetworkError);
  const reason = new RangeError("no longer wanted");
  await rejection(client().verify(SECRET, { signal: AbortSignal.abort(reason) }), RangeError);
});

test("takes what can be no token for an invalid session, whatever it is", async () => {
  const backEnd = client({ backEndSecret: "of nobody", token: SECRET });
  const tokens = ["", null, undefined, "none", "nöne", `${SECRET}\n${SECRET}`, "9".repeat(200_000)];
  for (const token of [...tokens, "日".repeat(3000), "\ud800"]) {
    const error = await rejection(backEnd.verify(token), sessions.InvalidSession);
    assert.ok(!inspect(error, { showHidden: true, depth: 9 }).includes(SECRET));
  }
});

test("says that it is a back end with each request, and for whom at a login", async () => {
  const options = { backEndSecret: `${SECRET}\n` };
  const { one, requests } = await impatient([TOKEN, TOKEN, SESSION, DONE], options);
  await one.logIn({ user: "joe", password: "joe", address: "2001:db8::1" });
  await one.logIn({ user: "joe", password: "joe" });
  await one.verify("caller's");
  await one.sessions();
  const sent = requests.map(({ headers }) => headers);
  assert.deepEqual(sent.map((headers) => headers["x-back-end-secret"]), Array(4).fill(SECRET));
  const addresses = sent.map((headers) => headers["x-viewer-address"]);
  assert.deepEqual(addresses, ["2001:db8::1", undefined, undefined, undefined]);
  const tokens = sent.map(({ authorization }) => authorization);
  assert.deepEqual(tokens, [undefined, undefined, "caller's", "new"]);
});

test("sends an address with the secret alone", async () => {
  const { one, requests } = await impatient([TOKEN]);
  await one.logIn({ user: "joe", password: "joe", address: "203.0.113.9" });
  const [{ headers }] = requests;
  assert.deepEqual(Object.keys(headers).filter((name) => /back-end|viewer/.test(name)), []);
});

test("shows no secret of a back end when it or an error is printed", async () => {
  const nobody = new sessions.SessionsClient("http://127.0.0.1:1", { backEndSecret: SECRET });
  const broken = client({ backEndSecret: `${SECRET}\0x`, fetch: () => assert.fail("it asked") });
  const refused = client({ backEndSecret: SECRET });
  const errors = [
    await rejection(nobody.sessions(), sessions.NetworkError),
    await rejection(broken.sessions(), sessions.SessionsError),
    await rejection(refused.verify(SECRET), sessions.InvalidSession),
  ];
  for (const shown of [nobody, broken, refused, ...errors]) {
    assert.ok(!inspect(shown, { showHidden: true, depth: 9 }).includes(SECRET));
  }
  assert.equal(JSON.stringify(refused), "{}");
});
