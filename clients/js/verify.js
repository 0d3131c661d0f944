/**
 * Whether the session of a token counts: for services of the product, by one read of its tables.
 *
 * For Node 20 or later, Bun, Deno and Workers, without dependencies. docs/verify.md says who needs
 * it, and which rights. The rule is that of layers/sessions/sessions/proof.py;
 * tests/vectors/verify.json holds both to it.
 */

/**
 * A session that counts; times are seconds since 1970.
 *
 * @typedef {object} VerifiedSession
 * @property {string} user the user's ID
 * @property {number} id its ID
 * @property {number} created when its user logged in
 * @property {number} expires
 * @property {string} name
 * @property {string} method how its user was authenticated: "password", or what a back end said
 * @property {string | null} by who else began it for the user, such as a support agent
 */

/**
 * What is asked of a client of DynamoDB, such as the `DynamoDB` of @aws-sdk/client-dynamodb.
 *
 * @typedef {object} Client
 * @property {(input: any) => Promise<any>} batchGetItem
 */

/**
 * @typedef {object} GuardOptions
 * @property {number} [maxAge] how many seconds ago the user logged in at most
 * @property {string} [cookie] the cookie that may hold the token, such as "__Host-session"
 * @property {(error: Unavailable) => void} [log] is told why a request is answered 503;
 *   `console.error` by default
 */

/** The base of all errors, with what an answer says of them. */
export class ApiError extends Error {
  name = "ApiError"; // not the class's, which bundlers shorten
  status = 500;
  code = "INTERNAL_SERVER_ERROR";
  /** @type {Record<string, string>} */
  headers = {};

  body() {
    return { code: this.code, message: this.message };
  }
}

/** 401: `reason` says why the session is over, to whoever proved to hold it; else it is null. */
export class InvalidSession extends ApiError {
  name = "InvalidSession";
  status = 401;
  code = "INVALID_SESSION_ERROR";
  headers = { "WWW-Authenticate": "Bearer" };

  /** @param {string | null} [reason] */
  constructor(reason = null) {
    super("Invalid Session");
    this.reason = reason;
  }

  body() {
    return { ...super.body(), ...(this.reason ? { reason: this.reason } : {}) };
  }
}

/** 401: the session counts, but its user logged in over `maxAge` seconds ago. */
export class StaleSession extends ApiError {
  name = "StaleSession";
  status = 401;
  code = "STALE_SESSION_ERROR";

  /** @param {number} maxAge */
  constructor(maxAge) {
    super("Session Too Old");
    this.maxAge = maxAge;
    const error = 'Bearer error="insufficient_user_authentication"'; // RFC 9470, section 3
    const description = 'error_description="A more recent login is needed"';
    this.headers = { "WWW-Authenticate": `${error}, ${description}, max_age="${maxAge}"` };
  }
}

/** 403: the session counts, and its user is banned. */
export class Banned extends ApiError {
  name = "Banned";
  status = 403;
  code = "BANNED_ERROR";

  constructor() {
    super("Account Banned");
  }
}

/** 503: DynamoDB does not answer, and `cause` says why. */
export class Unavailable extends ApiError {
  name = "Unavailable";
  status = 503;
  code = "SERVICE_UNAVAILABLE_ERROR";
  headers = { "Retry-After": "1" };

  /** @param {unknown} cause */
  constructor(cause) {
    super("Service Unavailable", { cause });
  }
}

// What the rule reads of each table, by its type (DynamoDB API Reference, "AttributeValue").
const USER = {
  id: "S",
  banned_at: "N",
  banned_until: "N",
  revoked_through: "N",
  revoked_except: "N",
  revoked_reason: "S",
  session_epoch: "N", // everybody's, in rows of its own
};
const SESSION = {
  jti_sha256: "B",
  exp: "N",
  created_at: "N",
  name: "S",
  method: "S",
  by: "S",
  session_epoch: "N",
  revoked_reason: "S",
};

const EPOCH_SHARDS = 16; // rows with the same epoch: one is too few for all the requests
const PAUSES_MILLISECONDS = [50, 100, 200, 400]; // as in layers/sessions/sessions/retries.py
const LARGEST_TIME = 10 ** 15;
const TOKEN = /^(?=.{1,4096}$)([\w-]+)\.([\w-]+)\.[\w-]{43}$/; // a signature has 32 bytes
const ID = /^[\w-]{1,256}$/;
const WRITTEN = /^[ -[\]-~]*$/; // ASCII without escapes

/** Says whose session a token is; it asks the tables each time. */
export class Verifier {
  #dynamodb;
  #tables;

  /**
   * @param {Client} dynamodb with time-outs and retries that suit the caller
   * @param {{ sessionsTable: string | undefined, usersTable: string | undefined }} tables their
   *   names, as an environment has them
   */
  constructor(dynamodb, { sessionsTable, usersTable }) {
    this.#dynamodb = dynamodb;
    this.#tables = { sessionsTable, usersTable };
  }

  /**
   * Return the session of a token, or reject with an {@link ApiError}.
   *
   * @param {string} token
   * @param {{ maxAge?: number }} [options] how many seconds ago the user logged in at most
   * @returns {Promise<VerifiedSession>}
   */
  async verify(token, { maxAge } = {}) {
    if (maxAge !== undefined && !(Number.isSafeInteger(maxAge) && maxAge >= 0)) {
      throw new RangeError("maxAge is a whole number of seconds");
    }
    const now = Math.floor(Date.now() / 1000);
    const { sub, iat, jti } = claimsOf(token, now);
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(jti));
    const { user, session, epoch } = await this.#read(sub, iat);
    if (!user || !session || !areEqual(session.jti_sha256, new Uint8Array(hash))) {
      throw new InvalidSession();
    }
    const { revoked_through: through = 0, revoked_except: except, revoked_reason: why } = user;
    const {
      exp: expires,
      created_at: created = iat,
      name = "",
      method = "password",
      by = null,
      session_epoch: began = 0,
    } = session;
    if (session.revoked_reason !== undefined) throw new InvalidSession(session.revoked_reason);
    if (iat <= through && iat !== except) throw new InvalidSession(why || "all");
    if (began < epoch) throw new InvalidSession("everyone");
    if (expires <= now) throw new InvalidSession("expired");
    if (user.banned_at !== undefined && now < (user.banned_until ?? Infinity)) throw new Banned();
    if (maxAge !== undefined && now - created > maxAge) throw new StaleSession(maxAge);
    return { user: sub, id: iat, created, expires, name, method, by };
  }

  /**
   * The rows of the user and the session, where they exist, and the epoch: in one round trip.
   *
   * @param {string} sub
   * @param {number} iat
   */
  async #read(sub, iat) {
    const { sessionsTable, usersTable } = this.#tables;
    // Asked here, since programs are built and imported where there is no such environment.
    if (!sessionsTable || !usersTable) throw new TypeError("The tables' names are needed");
    const shard = `session_epoch#${Math.floor(Math.random() * EPOCH_SHARDS)}`;
    const rows = await this.#rows({
      [usersTable]: request(USER, [{ id: { S: sub } }, { id: { S: shard } }]),
      [sessionsTable]: request(SESSION, [{ user: { S: sub }, iat: { N: String(iat) } }]),
    });
    const users = rows.filter((row) => "id" in row).map((row) => record(USER, row));
    const [session] = rows.filter((row) => !("id" in row)).map((row) => record(SESSION, row));
    if (session && session.exp === undefined) throw new TypeError("A session's row has no exp");
    const epoch = users.find(({ id }) => id === shard)?.session_epoch ?? 0;
    return { user: users.find(({ id }) => id === sub), session, epoch };
  }

  /** @param {Record<string, object>} requestItems */
  async #rows(requestItems) {
    const rows = [];
    for (const pause of [...PAUSES_MILLISECONDS, null]) {
      let answer;
      try {
        answer = await this.#dynamodb.batchGetItem({ RequestItems: requestItems });
      } catch (cause) {
        throw new Unavailable(cause);
      }
      rows.push(...Object.values(answer.Responses).flat());
      requestItems = answer.UnprocessedKeys ?? {};
      if (Object.keys(requestItems).length === 0) return rows;
      if (pause !== null) await new Promise((resolve) => setTimeout(resolve, pause));
    }
    throw new Unavailable(new Error("DynamoDB left keys unprocessed"));
  }
}

/**
 * What a guard asks: the session of a request, or the answer that refuses it. Any other error, such
 * as a mistake in the options, is thrown.
 *
 * @param {Verifier} verifier
 * @param {(name: string) => string | null | undefined} header
 * @param {GuardOptions} [options]
 */
export async function admit(verifier, header, { maxAge, cookie, log = console.error } = {}) {
  try {
    return { session: await verifier.verify(presentedToken(header, cookie), { maxAge }) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error instanceof Unavailable) log(error);
    const headers = { "Cache-Control": "no-store", ...error.headers };
    return { refusal: { status: error.status, headers, body: error.body() } };
  }
}

/**
 * The token of the header `Authorization`, bare or after `Bearer`; or else that of the cookie. It
 * counts only where the browser says that no page of another origin sends it.
 *
 * @param {(name: string) => string | null | undefined} header
 * @param {string} [cookie]
 */
export function presentedToken(header, cookie) {
  const authorization = header("Authorization") ?? null;
  if (authorization !== null) {
    const words = authorization.split(/[ \t]+/).filter(Boolean);
    if (words.length === 2 && words[0].toLowerCase() === "bearer") return words[1];
    return words.length === 1 ? words[0] : "";
  }
  // `none` is an address that was typed (Fetch Metadata Request Headers, section 2.3).
  if (!cookie || !["same-origin", "none"].includes(header("Sec-Fetch-Site") ?? "")) return "";
  const pairs = (header("Cookie") ?? "").split(";").map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${cookie}=`))?.slice(cookie.length + 1) ?? "";
}

/**
 * What a token says, if it is written as the service writes it. Its signature is not looked at: the
 * session's row proves the token.
 *
 * @param {unknown} token
 * @param {number} now
 */
function claimsOf(token, now) {
  const [, first, second] = (typeof token === "string" && TOKEN.exec(token)) || [];
  const { alg, typ, kid, ...others } = membersOf(first);
  const { sub, iat, exp, jti, iss } = membersOf(second);
  const isOurs =
    alg === "HS256" &&
    typ === "JWT" &&
    Object.keys(others).length === 0 &&
    [kid, sub, jti, iss].every((value) => typeof value === "string") &&
    [sub, jti].every((id) => ID.test(id)) &&
    [iat, exp].every((time) => Number.isInteger(time) && time > 0 && time < LARGEST_TIME);
  if (!isOurs || exp <= now) throw new InvalidSession();
  return { sub, iat, jti };
}

/** @param {string | undefined} part */
function membersOf(part = "") {
  try {
    const text = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    const members = JSON.parse(text, withoutFractions);
    // The same text again: no member comes twice (RFC 7519, section 4), or is read in two ways.
    if (text[0] === "{" && WRITTEN.test(text) && JSON.stringify(members) === text) return members;
  } catch {
    // neither base64url nor JSON
  }
  throw new InvalidSession();
}

/**
 * Fractions and numbers too large can be written in other ways; so they are left out, and missed.
 *
 * @param {string} _
 * @param {unknown} value
 */
function withoutFractions(_, value) {
  return typeof value === "number" && !Number.isInteger(value) ? undefined : value;
}

/**
 * In a time that does not tell where they differ.
 *
 * @param {Uint8Array | undefined} stored
 * @param {Uint8Array} hash
 */
function areEqual(stored, hash) {
  if (stored?.length !== hash.length) return false;
  return hash.reduce((difference, byte, at) => difference | (byte ^ stored[at]), 0) === 0;
}

/**
 * Every attribute by a name of its own: `name` is one of DynamoDB's reserved words.
 *
 * @param {Record<string, string>} types
 * @param {object[]} keys
 */
function request(types, keys) {
  const names = Object.keys(types);
  return {
    Keys: keys,
    ConsistentRead: true,
    ProjectionExpression: names.map((name) => `#${name}`).join(),
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
  };
}

/**
 * The attributes that a row has. One of another type than ours proves nothing, in or out.
 *
 * @param {Record<string, string>} types
 * @param {Record<string, Record<string, any>>} row
 * @returns {Record<string, any>}
 */
function record(types, row) {
  /** @type {Record<string, any>} */
  const values = {};
  for (const [name, type] of Object.entries(types).filter(([name]) => name in row)) {
    const value = row[name][type];
    const isText = typeof value === "string";
    if (type === "S" && isText) values[name] = value;
    else if (type === "N" && isText && /^\d+$/.test(value)) values[name] = Number(value);
    else if (type === "B" && value instanceof Uint8Array) values[name] = value;
    else throw new TypeError(`The attribute ${name} of a row is not of DynamoDB's type ${type}`);
  }
  return values;
}
