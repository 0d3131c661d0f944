/**
 * A client of the session service, for browsers and Node 20 or later, without dependencies.
 *
 * docs/openapi.yaml describes each operation and error.
 */

/**
 * A session; times are seconds since 1970.
 *
 * @typedef {object} Session
 * @property {number} iat its ID
 * @property {number} exp when it ends at the latest
 * @property {string} sub the user's ID
 * @property {string} name
 * @property {number} createdAt when it began
 * @property {number} [usedAt] when it was last used; services of earlier versions do not say it
 * @property {number} [idleExp] when it ends if it is not used until then, where there is such a limit
 * @property {string} [address] where it was last used from, where the service keeps that
 * @property {string} [country] of that address, in two letters (ISO 3166-1 alpha-2), where it is known
 * @property {string} method how its user was authenticated, such as "password"
 * @property {string} [by] who else began it for the user, such as a support agent
 */

/**
 * A page of sessions; `count` is the number of all sessions, not of those in the page.
 *
 * @typedef {object} Sessions
 * @property {number} count
 * @property {Session[]} items
 */

/**
 * The answer to a login; `exp` is when the token expires, in seconds since 1970.
 *
 * @typedef {object} Token
 * @property {string | null} token null where a cookie has it
 * @property {number} exp
 */

/**
 * Every call can be given up; it then rejects with the signal's reason.
 *
 * @typedef {object} CallOptions
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} Credentials
 * @property {string} user the username or the e-mail address
 * @property {string} password
 * @property {boolean} [rememberMe] whether the session lasts ten years
 * @property {string} [name] the session's name; without it, the service names the browser
 * @property {string} [address] the person's IP address, from a back end; sent with its secret alone
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} ClientOptions
 * @property {string | null} [token] the token of an earlier login
 * @property {boolean} [cookie] on the service's own page: whether a login leaves the token to a cookie
 *   that no script can read
 * @property {string | null} [backEndSecret] the secret by which the service trusts this back end
 * @property {typeof globalThis.fetch} [fetch] the function that makes requests
 * @property {number} [retries] how often a request that is answered 429 or 503 is repeated; 3 by
 *   default
 * @property {(milliseconds: number, signal?: AbortSignal) => Promise<void>} [sleep] the function
 *   that waits before a request is repeated
 */

/**
 * A session's ID, its `iat`.
 *
 * @typedef {number | string} SessionId
 */

/**
 * An answer that is no success.
 *
 * @typedef {object} Failure
 * @property {number | null} status
 * @property {string | null} code
 * @property {string | null} requestId
 * @property {Headers} headers
 * @property {any} body
 */

/** The base of all errors; the message of an answer is the service's own. */
export class SessionsError extends Error {
  /**
   * @param {string} message
   * @param {Partial<Failure> & { cause?: unknown }} [details]
   */
  constructor(message, { status = null, code = null, requestId = null, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    /** The HTTP status; null where there was no answer. */
    this.status = status;
    /** The service's code of the error; null where the answer was not the service's. */
    this.code = code;
    /** Operators find the request by this ID. */
    this.requestId = requestId;
  }
}

/** The request got no answer, and `cause` says why; it may have been carried out or not. */
export class NetworkError extends SessionsError {}

/** 400: `fields` are absent from the request, or they are wrong. */
export class MissingFields extends SessionsError {
  /**
   * @param {string} message
   * @param {Failure} failure
   */
  constructor(message, failure) {
    super(message, failure);
    const { fields } = failure.body;
    /** @type {string[]} */
    this.fields = Array.isArray(fields) ? fields.filter(isText) : [];
  }
}

/** 401: the token is not that of a live session, or no longer: it is time to log in. */
export class InvalidSession extends SessionsError {
  /**
   * @param {string} message
   * @param {Partial<Failure>} [failure]
   */
  constructor(message, failure) {
    super(message, failure);
    /** Why the session is over, such as "password_changed"; null where that is not told. */
    this.reason = textOrNull(failure?.body?.reason);
  }
}

/** 401: the password is not the user's; or nobody has the name, where that is not told. */
export class InvalidPassword extends SessionsError {}

/** 403: the user is banned. */
export class Banned extends SessionsError {
  /**
   * @param {string} message
   * @param {Failure} failure
   */
  constructor(message, failure) {
    super(message, failure);
    const { reason, until } = failure.body;
    /** Why, in the operator's words; null where there are none for the user to see. */
    this.reason = textOrNull(reason);
    /** When the ban ends, in seconds since 1970; null where that is not told. */
    this.until = /** @type {number | null} */ (Number.isInteger(until) ? until : null);
  }
}

/** 403: the page that logs in is of an origin that the service does not allow. */
export class OriginNotAllowed extends SessionsError {}

/** 404: nobody has this name or address; a service may not tell, and answer 401. */
export class InvalidUser extends SessionsError {}

/** 404: the session to read or to end is not a live one of this user. */
export class SessionMissing extends SessionsError {}

/** 404: there is no such route: the base URL may be wrong. */
export class InvalidEndpoint extends SessionsError {}

/** 413: the request was larger than the service takes. */
export class BodyTooLarge extends SessionsError {}

/** 429: there were too many requests, and the next may come `retryAfter` seconds later. */
export class RateLimited extends SessionsError {
  /**
   * @param {string} message
   * @param {Failure} failure
   */
  constructor(message, failure) {
    super(message, failure);
    this.retryAfter = secondsNamed(failure.headers);
    this.limit = wholeNumber(failure.headers, "X-RateLimit-Limit");
    this.remaining = wholeNumber(failure.headers, "X-RateLimit-Remaining");
  }
}

/** 500: the service made a mistake. */
export class Internal extends SessionsError {}

/** 503, 504: something behind the service does not answer; it may in `retryAfter` seconds. */
export class Unavailable extends SessionsError {
  /**
   * @param {string} message
   * @param {Failure} failure
   */
  constructor(message, failure) {
    super(message, failure);
    this.retryAfter = secondsNamed(failure.headers);
  }
}

/**
 * By status and code, since one code can mean two things.
 *
 * @type {Record<string, new (message: string, failure: Failure) => SessionsError>}
 */
const ERRORS = {
  "400 MISSING_FIELDS_ERROR": MissingFields,
  "401 INVALID_SESSION_ERROR": InvalidSession,
  "401 INVALID_PASSWORD_ERROR": InvalidPassword,
  "403 BANNED_ERROR": Banned,
  "403 ORIGIN_NOT_ALLOWED_ERROR": OriginNotAllowed,
  "404 INVALID_USER_ERROR": InvalidUser,
  "404 INVALID_SESSION_ERROR": SessionMissing,
  "404 SESSION_NOT_FOUND_ERROR": SessionMissing,
  "404 ENDPOINT_NOT_FOUND_ERROR": InvalidEndpoint,
  "413 BODY_TOO_LARGE_ERROR": BodyTooLarge,
  "429 RATELIMITED_ERROR": RateLimited,
  "500 INTERNAL_SERVER_ERROR": Internal,
  "503 SERVICE_UNAVAILABLE_ERROR": Unavailable,
  "504 SERVICE_UNAVAILABLE_ERROR": Unavailable,
};

// What was answered 503 may have been done all the same: a repeated login then leaves one session
// too many, and all else does no harm. After a 504 the service may still be at work.
const RETRIED = [429, 503];
const LONGEST_WAIT_SECONDS = 30;
const WAIT_SECONDS = 1; // after an answer without Retry-After, such as a proxy's
// API Gateway takes 10,240 bytes of all headers ("Amazon API Gateway quotas"), and answers more than
// that in words of its own.
const LONGEST_TOKEN_BYTES = 8192;
const LARGEST_NUMBER = 2 ** 31; // RFC 9111, section 1.2.2: what a larger number of seconds counts as
const DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d(:\d\d){2} GMT$/;

/**
 * A client of the service for one user. Every call rejects with a {@link SessionsError}.
 *
 * A request that is answered 429 or 503 is repeated after the time that the answer names, unless
 * that is longer than 30 seconds. A request without an answer is not repeated: it may have been
 * carried out; nor is `verify`, for which somebody waits.
 */
export class SessionsClient {
  // Private fields: no log and no JSON of the client shows the token or the secret.
  #baseUrl;
  #token;
  #cookie;
  #backEndSecret;
  #fetch;
  #retries;
  #sleep;
  /** @type {Partial<Credentials>} */
  #lastLogin = {}; // without the password

  /**
   * @param {string | URL} baseUrl the service's, such as "https://accounts.example.com/api"
   * @param {ClientOptions} [options]
   */
  constructor(
    baseUrl,
    {
      token = null, cookie = false, backEndSecret = null, fetch = globalThis.fetch, retries = 3,
      sleep = sleepFor,
    } = {},
  ) {
    this.#baseUrl = checkedUrl(baseUrl).replace(/\/+$/, "");
    this.#token = token;
    this.#cookie = cookie;
    this.#backEndSecret = backEndSecret;
    this.#fetch = fetch;
    this.#retries = retries;
    this.#sleep = sleep;
  }

  /** The token of the session in use, as secret as a password; null if there is none to see. */
  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
  }

  /**
   * Log in, and use the new session from now on.
   *
   * @param {Credentials} credentials
   * @returns {Promise<Token>}
   */
  async logIn(credentials) {
    return this.#logIn(credentials, false);
  }

  /**
   * Log in afresh, as before a sensitive act: the new session takes the place of the one in use.
   *
   * It is asked for as at the last `logIn` of this client, but for what the options say; a client
   * that was made with a token must be told the user. A wrong password leaves all as it was.
   *
   * @param {string} password
   * @param {Partial<Omit<Credentials, "password">>} [options]
   * @returns {Promise<Token>}
   */
  async reauthenticate(password, options = {}) {
    const { user, ...others } = { ...this.#lastLogin, ...options };
    if (user === undefined) throw new TypeError("The user of the password is not known: name it");
    return this.#logIn({ user, password, ...others }, true);
  }

  /**
   * @param {Credentials} credentials
   * @param {boolean} replaces whether the session in use ends
   */
  async #logIn({ user, password, rememberMe = false, name, address, signal }, replaces) {
    const body = { user, pass: password, rememberMe, name };
    const options = { body, address, replaces, signal };
    const isWhole = this.#cookie ? isLogin : isToken;
    const { token = null, exp } = await this.#request("POST", "/session", isWhole, options);
    this.#token = token;
    this.#lastLogin = { user, rememberMe, name, address };
    return { token, exp };
  }

  /**
   * Return the session of a token that a caller of yours shows; this is asked only once.
   *
   * The client's own token stays as it is.
   *
   * @param {string | null | undefined} token
   * @param {CallOptions} [options]
   * @returns {Promise<Session>}
   */
  async verify(token, { signal } = {}) {
    const value = String(token ?? "").trim();
    const { length } = new TextEncoder().encode(value);
    if (length === 0 || length > LONGEST_TOKEN_BYTES || !isForHeaders(value)) {
      throw new InvalidSession("Invalid Session"); // the service's own words
    }
    return this.#request("GET", "/session", isSession, { token: value, retries: 0, signal });
  }

  /**
   * Return the session in use.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<Session>}
   */
  async currentSession({ signal } = {}) {
    return this.#request("GET", "/session", isSession, { signal });
  }

  /**
   * Return the session of this ID.
   *
   * @param {SessionId} id
   * @param {CallOptions} [options]
   * @returns {Promise<Session>}
   */
  async session(id, { signal } = {}) {
    return this.#request("GET", pathOf(id), isSession, { signal });
  }

  /**
   * Return a page of the live sessions, newest first: 50 at most, after the `offset` newest ones.
   *
   * @param {{ limit?: number, offset?: number } & CallOptions} [options]
   * @returns {Promise<Sessions>}
   */
  async sessions({ limit, offset, signal } = {}) {
    const query = new URLSearchParams();
    if (limit !== undefined) query.set("limit", String(limit));
    if (offset !== undefined) query.set("offset", String(offset));
    return this.#request("GET", `/sessions?${query}`.replace(/\?$/, ""), isPage, { signal });
  }

  /**
   * Go through every live session, newest first; each may be ended as it comes.
   *
   * @param {{ pageSize?: number } & CallOptions} [options]
   * @returns {AsyncGenerator<Session, void, void>}
   */
  async *allSessions({ pageSize = 50, signal } = {}) {
    // Pages overlap by one session. If it is not there, earlier sessions have ended meanwhile and
    // later ones have moved up: then go one page back.
    const limit = Math.max(2, pageSize);
    let last = Infinity;
    let offset = 0;
    for (;;) {
      const { count, items } = await this.sessions({ limit, offset, signal });
      if (offset > 0 && !(items.length > 0 && items[0].iat >= last)) {
        offset = Math.max(0, offset - limit);
        continue;
      }
      for (const session of items) {
        if (session.iat < last) {
          last = session.iat;
          yield session;
        }
      }
      // A page is two sessions at least, or the last one: to go on would ask without end.
      if (items.length < 2 || offset + items.length >= count) return;
      offset += items.length - 1;
    }
  }

  /**
   * End the session of this ID; to end the one in use is to log out.
   *
   * @param {SessionId} id
   * @param {CallOptions} [options]
   * @returns {Promise<void>}
   */
  async endSession(id, { signal } = {}) {
    await this.#request("DELETE", pathOf(id), isObject, { signal });
  }

  /**
   * End several sessions, and return their number; IDs of no live session are ignored.
   *
   * @param {Iterable<SessionId>} ids
   * @param {CallOptions} [options]
   * @returns {Promise<number>}
   */
  async endSessions(ids, { signal } = {}) {
    const body = { sessions: [...ids] };
    const { count } = await this.#request("DELETE", "/sessions", hasCount, { body, signal });
    return count;
  }

  /**
   * End all sessions, or all but the one in use, and return their number.
   *
   * @param {{ exceptThis?: boolean } & CallOptions} [options]
   * @returns {Promise<number>}
   */
  async endAllSessions({ exceptThis = false, signal } = {}) {
    const query = exceptThis ? "?allButSelf=true" : "";
    const path = `/sessions/all${query}`;
    const { count } = await this.#request("DELETE", path, hasCount, { signal });
    return count;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {(body: any) => boolean} isWhole whether a success holds what it must
   * @param {{
   *   body?: object, address?: string, replaces?: boolean, token?: string | null,
   *   retries?: number, signal?: AbortSignal,
   * }} options a token or a number of retries takes the place of the client's own
   * @returns {Promise<any>} the body of a success
   */
  async #request(
    method, path, isWhole,
    { body, address, replaces, token = this.#token, retries = this.#retries, signal },
  ) {
    const headers = new Headers({ Accept: "application/json" });
    if (body !== undefined) headers.set("Content-Type", "application/json");
    if (replaces) headers.set("X-Replace-Session", "true");
    if (method === "POST" && this.#cookie) headers.set("X-Session-Cookie", "true");
    if ((method !== "POST" || replaces) && token) headers.set("Authorization", octets(token));
    if (this.#backEndSecret) {
      headers.set("X-Back-End-Secret", octets(this.#backEndSecret));
      if (address) headers.set("X-Viewer-Address", octets(address));
    }
    /** @type {RequestInit} */
    const request = {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      redirect: "error", // the service never redirects; no other server gets passwords and tokens
    };
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#fetched(this.#baseUrl + path, request);
      if (answer.ok && isWhole(answer.body)) return answer.body;
      const wait = secondsNamed(answer.headers) ?? WAIT_SECONDS;
      const mayRetry = RETRIED.includes(answer.status) && attempt < retries;
      if (!mayRetry || wait > LONGEST_WAIT_SECONDS) throw errorOf(answer);
      await this.#sleep(wait * 1000, signal);
    }
  }

  /**
   * @param {string} url
   * @param {RequestInit} request
   */
  async #fetched(url, request) {
    const fetch = this.#fetch; // a browser's own fails as a method of another object
    let response;
    let text;
    try {
      response = await fetch(url, request);
      text = await response.text();
    } catch (cause) {
      if (request.signal?.aborted) throw cause; // as the caller wished
      throw new NetworkError("No answer from the session service", { cause });
    }
    const { ok, status, headers } = response;
    return { ok, status, headers, body: objectIn(text) };
  }
}

/**
 * Only a number leads to one session: `..` would lead to a path that answers 200 to everything.
 *
 * @param {SessionId} id
 */
function pathOf(id) {
  if (!/^\d+$/.test(String(id))) throw new TypeError("A session's ID is a whole number");
  return `/session/${id}`;
}

/**
 * A password in the URL would go out as Basic, in the token's place; and browsers refuse it.
 *
 * @param {string | URL} url a page's may be a path alone
 */
function checkedUrl(url) {
  let parsed;
  try {
    parsed = new URL(url, "http://localhost");
  } catch {
    throw new SessionsError("The base URL is no URL"); // the cause may show a password
  }
  if (parsed.username || parsed.password) {
    throw new SessionsError("The base URL must hold no user name and no password");
  }
  return String(url);
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === "string";
}

/**
 * @param {any} value
 * @returns {string | null}
 */
function textOrNull(value) {
  return isText(value) ? value : null;
}

/** @param {any} body */
function isObject(body) {
  return typeof body === "object" && body !== null && !Array.isArray(body);
}

/** @param {any} body */
function hasCount(body) {
  return Number.isInteger(body?.count);
}

/** @param {any} body */
function isToken(body) {
  return isText(body?.token) && Number.isInteger(body.exp);
}

/**
 * One whose token is in a cookie has none.
 *
 * @param {any} body
 */
function isLogin(body) {
  return isToken({ token: "", ...body });
}

/** @param {any} body */
function isSession(body) {
  const { iat, exp, sub, name, createdAt, method } = body ?? {};
  const { usedAt = 0, idleExp = 0, address = "", country = "", by = "" } = body ?? {};
  return (
    [iat, exp, createdAt, usedAt, idleExp].every(Number.isInteger) &&
    [sub, name, method, address, country, by].every(isText)
  );
}

/** @param {any} body */
function isPage(body) {
  return hasCount(body) && Array.isArray(body.items) && body.items.every(isSession);
}

/** @param {{ status: number, headers: Headers, body: any }} answer */
function errorOf({ status, headers, body }) {
  const requestId = headers.get("X-Request-Id");
  const code = typeof body?.code === "string" ? body.code : null;
  const failure = { status, code, requestId, headers, body };
  const unknown = `Not an answer of the session service: HTTP status ${status}`;
  const message = typeof body?.message === "string" ? body.message : unknown;
  return new (ERRORS[`${status} ${code}`] ?? SessionsError)(message, failure);
}

/** @param {string} text */
function objectIn(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null; // such as a proxy's page
  }
}

/**
 * @param {Headers} headers
 * @param {string} name
 */
function wholeNumber(headers, name) {
  const value = headers.get(name);
  if (value === null || !/^\d+$/.test(value)) return null;
  return Math.min(Number(value), LARGEST_NUMBER);
}

/**
 * The seconds until the moment in `Retry-After`, a number or a date (RFC 9110, section 10.2.3);
 * null if it names none.
 *
 * A date counts by the sender's clock, where that is told: ours may be wrong. One that is over is a
 * second away, so that nobody hurries.
 *
 * @param {Headers} headers
 */
function secondsNamed(headers) {
  const at = milliseconds(headers, "Retry-After");
  if (at === null) return wholeNumber(headers, "Retry-After");
  const now = milliseconds(headers, "Date") ?? Date.now();
  return Math.max(1, Math.ceil((at - now) / 1000));
}

/**
 * @param {Headers} headers
 * @param {string} name
 */
function milliseconds(headers, name) {
  const value = headers.get(name) ?? "";
  const time = DATE.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? null : time;
}

/**
 * Headers hold octets (Fetch Standard, section 2.2.2), and the service reads them as UTF-8.
 *
 * @param {string} text
 */
function octets(text) {
  const value = String(text).trim();
  if (!isForHeaders(value)) throw new SessionsError("No header can hold a control character");
  // One by one: a function takes only so many arguments.
  return Array.from(new TextEncoder().encode(value), (octet) => String.fromCharCode(octet)).join("");
}

/**
 * What fetch would refuse itself: in Node as if nothing had answered, or in words with the value.
 *
 * @param {string} text
 */
function isForHeaders(text) {
  return !/[\0-\x08\n-\x1f\x7f]/.test(text);
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function sleepFor(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
