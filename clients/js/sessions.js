/**
 * A client of the session service, for browsers and Node 20 or later; it needs nothing else.
 *
 * What each operation and error means stands in docs/openapi.yaml.
 */

/** An answer that is no success; the message is the service's words. */
export class SessionsError extends Error {
  constructor(message, { status = null, code = null, requestId = null, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    /** The HTTP status; null where there was no answer. */
    this.status = status;
    /** What the service calls the error; null where it was not the service that answered. */
    this.code = code;
    /** What operators find the request by. */
    this.requestId = requestId;
  }
}

/** The request never got an answer; `cause` says why. Whether it was carried out is not known. */
export class NetworkError extends SessionsError {}

/** The request lacks `fields`, or they are not what they should be. */
export class MissingFieldsError extends SessionsError {
  constructor(message, answer) {
    super(message, answer);
    this.fields = answer.body.fields ?? [];
  }
}

/** The token is not, or no longer, that of a live session: it is time to log in. */
export class InvalidSessionError extends SessionsError {}

/** The password is not the user's. */
export class InvalidPasswordError extends SessionsError {}

/** The user is banned. */
export class BannedError extends SessionsError {}

/** Nobody has this name or address. */
export class InvalidUserError extends SessionsError {}

/** The session that was asked for, or was to be ended, is not a live one of this user. */
export class SessionNotFoundError extends SessionsError {}

/** There is no such route: the base URL may be wrong. */
export class EndpointNotFoundError extends SessionsError {}

/** The request was larger than the service takes. */
export class BodyTooLargeError extends SessionsError {}

/** There were too many requests, and the next may come `retryAfter` seconds later. */
export class RateLimitedError extends SessionsError {
  constructor(message, answer) {
    super(message, answer);
    this.retryAfter = wholeNumber(answer.headers, "Retry-After");
    this.limit = wholeNumber(answer.headers, "X-RateLimit-Limit");
    this.remaining = wholeNumber(answer.headers, "X-RateLimit-Remaining");
  }
}

/** The service made a mistake. */
export class InternalError extends SessionsError {}

/** Something behind the service does not answer; it may in `retryAfter` seconds. */
export class UnavailableError extends SessionsError {
  constructor(message, answer) {
    super(message, answer);
    this.retryAfter = wholeNumber(answer.headers, "Retry-After");
  }
}

// By status and code, since one code can mean two things.
const ERRORS = {
  "400 MISSING_FIELDS_ERROR": MissingFieldsError,
  "401 INVALID_SESSION_ERROR": InvalidSessionError,
  "401 INVALID_PASSWORD_ERROR": InvalidPasswordError,
  "403 BANNED_ERROR": BannedError,
  "404 INVALID_USER_ERROR": InvalidUserError,
  "404 INVALID_SESSION_ERROR": SessionNotFoundError,
  "404 SESSION_NOT_FOUND_ERROR": SessionNotFoundError,
  "404 ENDPOINT_NOT_FOUND_ERROR": EndpointNotFoundError,
  "413 BODY_TOO_LARGE_ERROR": BodyTooLargeError,
  "429 RATELIMITED_ERROR": RateLimitedError,
  "500 INTERNAL_SERVER_ERROR": InternalError,
  "503 SERVICE_UNAVAILABLE_ERROR": UnavailableError,
  "504 SERVICE_UNAVAILABLE_ERROR": UnavailableError,
};

// Both say that the request may be made again, and when. A 504 does not: it may still be at work.
const RETRIED = [429, 503];
const LONGEST_WAIT_SECONDS = 30;
const WAIT_SECONDS = 1; // where a proxy's answer does not say how long

/**
 * Calls the service for one user.
 *
 * A request that is answered 429 or 503 is made again after the time that the answer names,
 * unless that is longer than 30 seconds. One that got no answer is not: it may have been
 * carried out.
 */
export class SessionsClient {
  // Private, so that no log or JSON of the client shows a token.
  #baseUrl;
  #token;
  #fetch;
  #retries;
  #sleep;

  /**
   * @param {string | URL} baseUrl where the service is, such as "https://accounts.example.com/api"
   * @param {object} [options]
   * @param {string | null} [options.token] of a session that there is already
   * @param {typeof fetch} [options.fetch] what makes requests
   * @param {number} [options.retries] how often a request is made again
   * @param {(milliseconds: number, signal?: AbortSignal) => Promise<void>} [options.sleep] what
   *   waits in between
   */
  constructor(
    baseUrl,
    { token = null, fetch = globalThis.fetch, retries = 3, sleep = sleepFor } = {},
  ) {
    this.#baseUrl = String(baseUrl).replace(/\/+$/, "");
    this.#token = token;
    this.#fetch = fetch;
    this.#retries = retries;
    this.#sleep = sleep;
  }

  /** The token of the session in use, as secret as a password; null if there is none. */
  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token ?? null;
  }

  /** Log in, and use the new session from now on; `name` is what to call it. */
  async logIn({ user, password, rememberMe = false, name, signal }) {
    const body = { user, pass: password, rememberMe };
    const { token, exp } = await this.#request("POST", "/session", { body, name, signal });
    this.#token = token;
    return { token, exp };
  }

  /** Return the session in use. */
  async currentSession({ signal } = {}) {
    return this.#request("GET", "/session", { signal });
  }

  /** Return the session of this ID, which is its `iat`. */
  async session(id, { signal } = {}) {
    return this.#request("GET", pathOf(id), { signal });
  }

  /** Return a page of the live sessions, newest first, and how many there are in all. */
  async sessions({ limit, offset, signal } = {}) {
    const given = Object.entries({ limit, offset }).filter(([, value]) => value !== undefined);
    const query = given.length ? `?${new URLSearchParams(given)}` : "";
    return this.#request("GET", `/sessions${query}`, { signal });
  }

  /** Go through every live session, newest first; each may be ended as it comes. */
  async *allSessions({ pageSize = 50, signal } = {}) {
    // Pages overlap by one session, which shows whether earlier ones are gone since: then what
    // follows has moved up, and has to be looked for further up.
    const limit = Math.max(2, pageSize);
    let last = Infinity;
    let offset = 0;
    for (;;) {
      const { count, items } = await this.sessions({ limit, offset, signal });
      if (offset > 0 && !(items[0]?.iat >= last)) {
        offset = Math.max(0, offset - limit);
        continue;
      }
      for (const session of items) {
        if (session.iat < last) {
          last = session.iat;
          yield session;
        }
      }
      if (offset + items.length >= count) return;
      offset += items.length - 1;
    }
  }

  /** End the session of this ID; to end the one in use is to log out. */
  async endSession(id, { signal } = {}) {
    await this.#request("DELETE", pathOf(id), { signal });
  }

  /** End several sessions, and return how many that were; what is no live session is ignored. */
  async endSessions(ids, { signal } = {}) {
    const body = { sessions: [...ids] };
    const { count } = await this.#request("DELETE", "/sessions", { body, signal });
    return count;
  }

  /** End all sessions, or all but the one in use, and return how many that were. */
  async endAllSessions({ exceptThis = false, signal } = {}) {
    const query = exceptThis ? "?allButSelf=true" : "";
    const { count } = await this.#request("DELETE", `/sessions/all${query}`, { signal });
    return count;
  }

  async #request(method, path, { body, name, signal }) {
    const headers = new Headers({ Accept: "application/json" });
    if (body !== undefined) headers.set("Content-Type", "application/json");
    if (method !== "POST" && this.#token !== null) headers.set("Authorization", this.#token);
    if (name !== undefined) headers.set("X-Session-Name", utf8Octets(name));
    const request = {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      redirect: "error", // the service never redirects; nobody else gets passwords and tokens
    };
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#fetched(this.#baseUrl + path, request);
      if (answer.ok && answer.body !== null) return answer.body;
      const wait = wholeNumber(answer.headers, "Retry-After") ?? WAIT_SECONDS;
      const mayRetry = RETRIED.includes(answer.status) && attempt < this.#retries;
      if (!mayRetry || wait > LONGEST_WAIT_SECONDS) throw errorOf(answer);
      await this.#sleep(wait * 1000, signal);
    }
  }

  async #fetched(url, request) {
    const fetch = this.#fetch; // a browser's own does not want to be a method
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

// Nothing else, however it is encoded: `..` would lead to a path that answers 200 to everything.
function pathOf(id) {
  if (!/^\d+$/.test(id)) throw new TypeError("A session's ID is a whole number");
  return `/session/${id}`;
}

function errorOf({ status, headers, body }) {
  const requestId = headers.get("X-Request-Id");
  const code = typeof body?.code === "string" ? body.code : null;
  const answer = { status, code, requestId, headers, body };
  const message = body?.message ?? `Not an answer of the session service: HTTP status ${status}`;
  return new (ERRORS[`${status} ${code}`] ?? SessionsError)(message, answer);
}

function objectIn(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null; // a proxy's page, say
  }
}

function wholeNumber(headers, name) {
  const value = headers.get(name);
  return value !== null && /^\d+$/.test(value) ? Number(value) : null;
}

// Headers hold octets (Fetch Standard, section 2.2.2), and the service reads them as UTF-8.
function utf8Octets(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

function sleepFor(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
