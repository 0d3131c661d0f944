// The Verifier on the vectors that hold every implementation, and on a database with faults.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";

import { protect } from "../../clients/js/guards/express.js";
import * as verify from "../../clients/js/verify.js";

const VECTORS = JSON.parse(readFileSync(new URL("../vectors/verify.json", import.meta.url)));
const TABLES = { sessionsTable: "Sessions", usersTable: "Users" };
const READ = {
  Sessions: [
    ...["by", "created_at", "exp", "jti_sha256", "method", "name", "revoked_reason"],
    "session_epoch",
  ],
  Users: [
    ...["banned_at", "banned_until", "id", "revoked_except", "revoked_reason", "revoked_through"],
    "session_epoch",
  ],
};

const base64url = (text) => Buffer.from(text).toString("base64url");

/** Replace members of an object; null takes one away, as the vectors have it. */
function replaced(good, changes = {}) {
  if (changes === null) return undefined;
  return Object.fromEntries(
    Object.entries({ ...good, ...changes }).filter(([, value]) => value !== null),
  );
}

function without(members, names = []) {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)));
}

function tokenOf(change = {}) {
  if (typeof change === "string") return change;
  const { header, claims } = VECTORS.token;
  const head = without({ ...header, ...change.header }, change.without_header);
  const said = without({ ...claims, ...change.claims }, change.without);
  const first = base64url(change.header_text ?? JSON.stringify(head));
  const second = base64url(change.payload_text ?? JSON.stringify(said));
  const hmac = createHmac("sha256", VECTORS.key).update(`${first}.${second}`);
  return `${first}.${second}.${change.signature ?? hmac.digest("base64url")}`;
}

/** A row as the SDK gives it: bytes are no base64. */
function ofSdk(row) {
  const attributes = Object.entries(row).map(([name, attribute]) => [
    name,
    "B" in attribute ? { B: new Uint8Array(Buffer.from(attribute.B, "base64")) } : attribute,
  ]);
  return Object.fromEntries(attributes);
}

/** A DynamoDB with the rows of a case, which answers what is asked and keeps the requests. */
function databaseOf({ user, session, epoch = 0 }) {
  const requests = [];
  const rows = {
    Users: [replaced(VECTORS.user, user)],
    Sessions: [replaced(VECTORS.session, session)],
  };
  for (let shard = 0; shard < 16 && epoch > 0; shard += 1) {
    rows.Users.push({ id: { S: `session_epoch#${shard}` }, session_epoch: { N: String(epoch) } });
  }
  const found = ([table, { Keys: keys, ProjectionExpression, ExpressionAttributeNames }]) => {
    const names = ProjectionExpression.split(",").map((name) => ExpressionAttributeNames[name]);
    const isAsked = (row) =>
      keys.some((key) =>
        Object.entries(key).every(([name, value]) => {
          assert.ok(row[name], name);
          return JSON.stringify(row[name]) === JSON.stringify(value);
        }),
      );
    const asked = rows[table].filter((row) => row && isAsked(row));
    const projected = asked.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name))),
    );
    return [table, projected.map(ofSdk).reverse()]; // DynamoDB promises no order
  };
  return {
    requests,
    async batchGetItem(input) {
      requests.push(structuredClone(input));
      return { Responses: Object.fromEntries(Object.entries(input.RequestItems).map(found)) };
    },
  };
}

function verified(database, token, options) {
  return new verify.Verifier(database, TABLES).verify(token, options);
}

async function rejection(promise) {
  return promise.then(
    (session) => assert.fail(`let in: ${JSON.stringify(session)}`),
    (error) => error,
  );
}

beforeEach(() => mock.method(Date, "now", () => VECTORS.now * 1000 + 999));
afterEach(() => mock.restoreAll());

// ----------------------------------------------------------------- rules

test("there are vectors", () => assert.ok(VECTORS.cases.length > 0));

for (const vector of VECTORS.cases) {
  test(`vector: ${vector.name}`, async () => {
    const { now = VECTORS.now, max_age: maxAge, verdict, reason = null } = vector;
    mock.method(Date, "now", () => now * 1000 + 999);
    const database = databaseOf(vector);
    const call = verified(database, tokenOf(vector.token), { maxAge });
    if (verdict === "session") {
      assert.deepEqual(await call, { ...VECTORS.verified, ...vector.verified });
    } else {
      const error = await rejection(call);
      assert.equal(error.name, verdict, error);
      if (verdict === "InvalidSession") assert.equal(error.reason, reason);
    }
    if (vector.reads === false) assert.deepEqual(database.requests, []);
    assert.ok(database.requests.length <= 1);
  });
}

test("reads all by one strongly consistent call, and only what the rule needs", async () => {
  const shards = new Set();
  for (let time = 0; time < 400; time += 1) {
    const database = databaseOf({});
    await verified(database, tokenOf());
    assert.equal(database.requests.length, 1);
    const { RequestItems: tables } = database.requests[0];
    for (const [table, names] of Object.entries(READ)) {
      const { ConsistentRead, ProjectionExpression, ExpressionAttributeNames } = tables[table];
      assert.equal(ConsistentRead, true);
      const read = ProjectionExpression.split(",").map((name) => ExpressionAttributeNames[name]);
      assert.deepEqual(read.sort(), names);
    }
    const { sub, iat } = VECTORS.token.claims;
    assert.deepEqual(tables.Sessions.Keys, [{ user: { S: sub }, iat: { N: String(iat) } }]);
    const [user, shard] = tables.Users.Keys;
    assert.deepEqual(user, { id: { S: sub } });
    shards.add(shard.id.S);
  }
  // Of 400 draws, one of sixteen is left out once in ten billion runs.
  const every = Array.from({ length: 16 }, (_, shard) => `session_epoch#${shard}`);
  assert.deepEqual([...shards].sort(), every.sort());
});

test("takes no token of more than 4096 characters", async () => {
  const sizes = { 4096: [], 4097: [] };
  for (let kid = ""; kid.length < 4; kid += "k") {
    for (let x = "x".repeat(2500); x.length < 2900; x += "x") {
      const token = tokenOf({ header: { kid }, claims: { x } });
      sizes[token.length]?.push(token);
    }
  }
  assert.equal((await verified(databaseOf({}), sizes[4096][0])).id, VECTORS.verified.id);
  const error = await rejection(verified(databaseOf({}), sizes[4097][0]));
  assert.ok(error instanceof verify.InvalidSession);
});

test("takes no number that may be written in other ways", async () => {
  for (const x of [1.5, 0.1, [1.5], { y: 1.5 }]) {
    const error = await rejection(verified(databaseOf({}), tokenOf({ claims: { x } })));
    assert.ok(error instanceof verify.InvalidSession, JSON.stringify(x));
  }
});

test("takes the row of the epoch for no user's", async () => {
  const error = await rejection(verified(databaseOf({ user: null, epoch: 3 }), tokenOf()));
  assert.ok(error instanceof verify.InvalidSession);
});

test("takes no hash that only begins as the right one", async () => {
  const hash = Buffer.from(VECTORS.session.jti_sha256.B, "base64");
  const longer = { B: Buffer.concat([hash, Buffer.from([0])]).toString("base64") };
  const error = await rejection(
    verified(databaseOf({ session: { jti_sha256: longer } }), tokenOf()),
  );
  assert.ok(error instanceof verify.InvalidSession);
});

test("a token that is no text is none", async () => {
  for (const token of [undefined, null, 5, {}, [tokenOf()]]) {
    const database = databaseOf({});
    assert.ok((await rejection(verified(database, token))) instanceof verify.InvalidSession);
    assert.deepEqual(database.requests, []);
  }
});

test("a session without a name has none", async () => {
  const { name } = await verified(databaseOf({ session: { name: null } }), tokenOf());
  assert.equal(name, "");
});

test("an age that is no whole number of seconds is the caller's mistake", async () => {
  for (const maxAge of [-1, 0.5, NaN, Infinity, "300", null, {}]) {
    const error = await rejection(verified(databaseOf({}), tokenOf(), { maxAge }));
    assert.ok(error instanceof RangeError, String(maxAge));
  }
});

test("tables without names are the caller's mistake", async () => {
  for (const tables of [
    {},
    { sessionsTable: "Sessions" },
    { sessionsTable: "", usersTable: "U" },
  ]) {
    const error = await rejection(new verify.Verifier(databaseOf({}), tables).verify(tokenOf()));
    assert.ok(error instanceof TypeError);
  }
});

test("an error has what its answer says", () => {
  const shown = [
    new verify.InvalidSession("all"),
    new verify.InvalidSession(),
    new verify.StaleSession(300),
    new verify.Banned(),
    new verify.Unavailable(new Error("a fault")),
  ].map((error) => [error.name, error.status, error.headers, error.body()]);
  const stale =
    'Bearer error="insufficient_user_authentication", ' +
    'error_description="A more recent login is needed", max_age="300"';
  assert.deepEqual(shown, [
    [
      "InvalidSession",
      401,
      { "WWW-Authenticate": "Bearer" },
      { ...body("INVALID_SESSION_ERROR", "Invalid Session"), reason: "all" },
    ],
    [
      "InvalidSession",
      401,
      { "WWW-Authenticate": "Bearer" },
      body("INVALID_SESSION_ERROR", "Invalid Session"),
    ],
    [
      "StaleSession",
      401,
      { "WWW-Authenticate": stale },
      body("STALE_SESSION_ERROR", "Session Too Old"),
    ],
    ["Banned", 403, {}, body("BANNED_ERROR", "Account Banned")],
    [
      "Unavailable",
      503,
      { "Retry-After": "1" },
      body("SERVICE_UNAVAILABLE_ERROR", "Service Unavailable"),
    ],
  ]);
});

function body(code, message) {
  return { code, message };
}

// ---------------------------------------------------------------- faults

test("a client that fails is Unavailable, with the cause", async () => {
  const fault = new Error("ProvisionedThroughputExceededException");
  const fails = [
    async () => Promise.reject(fault),
    () => {
      throw fault;
    },
  ];
  for (const batchGetItem of fails) {
    const error = await rejection(verified({ batchGetItem }, tokenOf()));
    assert.ok(error instanceof verify.Unavailable);
    assert.equal(error.cause, fault);
  }
});

/** Leave some keys unprocessed: `isLeft` is told the table, the key and the number of the call. */
function leaving(database, isLeft) {
  return {
    requests: database.requests,
    async batchGetItem(input) {
      const done = {};
      const left = {};
      for (const [table, { Keys: keys, ...rest }] of Object.entries(input.RequestItems)) {
        const isKeyLeft = (key) => isLeft(table, key, database.requests.length);
        const now = keys.filter((key) => !isKeyLeft(key));
        if (now.length > 0) done[table] = { Keys: now, ...rest };
        if (now.length < keys.length) left[table] = { Keys: keys.filter(isKeyLeft), ...rest };
      }
      const answer = await database.batchGetItem({ RequestItems: done });
      return { ...answer, UnprocessedKeys: left };
    },
  };
}

const PARTS = {
  "the session's row": (table) => table === "Sessions",
  "the user's row": (table, { id }) => table === "Users" && !id.S.includes("#"),
  "the epoch": (table, { id }) => table === "Users" && id.S.includes("#"),
  all: () => true,
};
for (const [part, isLeft] of Object.entries(PARTS)) {
  test(`what DynamoDB leaves unprocessed is read again: ${part}`, async () => {
    const pauses = [];
    mock.method(globalThis, "setTimeout", (then, pause) => pauses.push(pause) && then());
    const once = leaving(databaseOf({ epoch: 4 }), (...key) => isLeft(...key) && key[2] === 0);
    assert.equal((await rejection(verified(once, tokenOf()))).reason, "everyone");
    assert.equal(once.requests.length, 2);
    const always = leaving(databaseOf({}), isLeft);
    assert.ok((await rejection(verified(always, tokenOf()))) instanceof verify.Unavailable);
    assert.equal(always.requests.length, 5);
    assert.deepEqual(pauses, [50, 50, 100, 200, 400]);
  });
}

test("a row or an answer that is none of DynamoDB's is neither let in nor a refusal", async () => {
  const wrong = [{ S: "x" }, { N: "x" }, { N: "" }, { N: "1e9" }, { NULL: true }, {}, null, "x"];
  const tables = { user: READ.Users, session: READ.Sessions };
  const answers = [null, {}, { Responses: null }, { Responses: { Users: [null], Sessions: [] } }];
  const databases = answers.map((answer) => ({ batchGetItem: async () => answer }));
  for (const [row, names] of Object.entries(tables)) {
    const ofText = ["id", "name", "revoked_reason", "method", "by"];
    for (const name of names.filter((each) => each !== "id")) {
      for (const value of wrong) {
        if (ofText.includes(name) && value?.S) continue;
        const database = databaseOf({});
        databases.push({
          async batchGetItem(input) {
            const { Responses } = await database.batchGetItem(input);
            Responses[row === "user" ? "Users" : "Sessions"][0][name] = value;
            return { Responses };
          },
        });
      }
    }
  }
  databases.push(databaseOf({ session: { exp: null } }));
  databases.push({
    async batchGetItem(input) {
      const { Responses } = await databaseOf({}).batchGetItem(input);
      Responses.Sessions[0].jti_sha256 = VECTORS.session.jti_sha256; // in base64, as of no SDK
      return { Responses };
    },
  });
  for (const database of databases) {
    const error = await rejection(verified(database, tokenOf()));
    assert.ok(error instanceof TypeError || error instanceof verify.Unavailable, error);
  }
});

// ---------------------------------------------------------------- guards

const headersOf = (headers) => (name) => new Headers(headers).get(name);

test("takes the token of the header, or that of a cookie that our own pages send", () => {
  const cookie = "a=1; __Host-session=c.o.o; __Host-session2=x";
  const expected = [
    [{ Authorization: "t.o.k" }, "t.o.k"],
    [{ Authorization: "bEARer \t t.o.k " }, "t.o.k"],
    [{ Authorization: "Basic t.o.k" }, ""],
    [{ Authorization: "Bearer t.o.k more" }, ""],
    [{ Authorization: "" }, ""],
    [{}, ""],
    [{ Cookie: cookie }, ""],
    [{ Cookie: cookie, "Sec-Fetch-Site": "same-origin" }, "c.o.o"],
    [{ Cookie: cookie, "Sec-Fetch-Site": "none" }, "c.o.o"],
    [{ Cookie: cookie, "Sec-Fetch-Site": "same-site" }, ""],
    [{ Cookie: cookie, "Sec-Fetch-Site": "cross-site" }, ""],
    [{ Cookie: "x__Host-session=c.o.o", "Sec-Fetch-Site": "none" }, ""],
    [{ Cookie: cookie, "Sec-Fetch-Site": "none", Authorization: "t.o.k" }, "t.o.k"],
    [{ Cookie: cookie, "Sec-Fetch-Site": "none", Authorization: "Basic t.o.k" }, ""],
    [{ Cookie: cookie, "Sec-Fetch-Site": "none", Authorization: "" }, ""],
  ];
  for (const [headers, token] of expected) {
    const shown = JSON.stringify(headers);
    assert.equal(verify.presentedToken(headersOf(headers), "__Host-session"), token, shown);
    const ofHeader = headers.Authorization ? token : "";
    assert.equal(verify.presentedToken(headersOf(headers)), ofHeader, shown);
  }
  assert.equal(
    verify.presentedToken(() => undefined, "__Host-session"),
    "",
  );
});

test("a guard gets a session, an answer, or the mistake", async () => {
  const header = headersOf({ Authorization: tokenOf() });
  const admitted = (database, options) =>
    verify.admit(new verify.Verifier(database, TABLES), header, options);
  const { session, refusal: none } = await admitted(databaseOf({}));
  assert.deepEqual([session.user, none], [VECTORS.token.claims.sub, undefined]);

  const { refusal } = await admitted(databaseOf({ session: null }));
  const headers = { "Cache-Control": "no-store", "WWW-Authenticate": "Bearer" };
  const said = { code: "INVALID_SESSION_ERROR", message: "Invalid Session" };
  assert.deepEqual(refusal, { status: 401, headers, body: said });

  const logged = [];
  const fault = new Error("a fault");
  const failing = { batchGetItem: async () => Promise.reject(fault) };
  const unavailable = await admitted(failing, { log: (error) => logged.push(error.cause) });
  assert.equal(unavailable.refusal.status, 503);
  assert.deepEqual(logged, [fault]);

  assert.ok((await rejection(admitted(databaseOf({}), { maxAge: "300" }))) instanceof RangeError);
});

test("the guard of Express hands a mistake on, since Express 4 waits for no promise", async () => {
  const request = { get: headersOf({ Authorization: tokenOf() }) };
  const handed = [];
  await protect(new verify.Verifier(databaseOf({}), {}))(request, {}, (error) =>
    handed.push(error),
  );
  assert.ok(handed.length === 1 && handed[0] instanceof TypeError);
});
