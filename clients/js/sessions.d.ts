/** A session; `iat` is its ID, and times are seconds since 1970. */
export interface Session {
  iat: number;
  exp: number;
  /** The user's ID. */
  sub: string;
  name: string;
}

/** A page of sessions; `count` is how many there are in all. */
export interface Sessions {
  count: number;
  items: Session[];
}

/** What a log-in gives; `exp` is when it expires, in seconds since 1970. */
export interface Token {
  token: string;
  exp: number;
}

/** Every call can be given up; what it rejects with is then the signal's reason. */
export interface CallOptions {
  signal?: AbortSignal;
}

export interface Credentials extends CallOptions {
  /** The username or the e-mail address. */
  user: string;
  password: string;
  /** Whether the session lasts ten years. */
  rememberMe?: boolean;
  /** What to call the session; its browser names it otherwise. */
  name?: string;
}

export interface ClientOptions {
  /** Of a session that there is already. */
  token?: string | null;
  /** What makes requests. */
  fetch?: typeof fetch;
  /** How often a request that is answered 429 or 503 is made again; 3 unless told. */
  retries?: number;
  /** What waits in between. */
  sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** A session's ID, its `iat`. */
export type SessionId = number | string;

/**
 * Calls the service for one user. Every call rejects with a {@link SessionsError}.
 *
 * A request that is answered 429 or 503 is made again after the time that the answer names,
 * unless that is longer than 30 seconds. One that got no answer is not: it may have been
 * carried out.
 */
export class SessionsClient {
  /** @param baseUrl where the service is, such as "https://accounts.example.com/api" */
  constructor(baseUrl: string | URL, options?: ClientOptions);
  /** The token of the session in use, as secret as a password; null if there is none. */
  token: string | null;
  /** Log in, and use the new session from now on. */
  logIn(credentials: Credentials): Promise<Token>;
  /** Return the session in use. */
  currentSession(options?: CallOptions): Promise<Session>;
  /** Return the session of this ID. */
  session(id: SessionId, options?: CallOptions): Promise<Session>;
  /** Return a page of the live sessions, newest first; at most 50. */
  sessions(options?: { limit?: number; offset?: number } & CallOptions): Promise<Sessions>;
  /** Go through every live session, newest first; each may be ended as it comes. */
  allSessions(options?: { pageSize?: number } & CallOptions): AsyncGenerator<Session, void, void>;
  /** End the session of this ID; to end the one in use is to log out. */
  endSession(id: SessionId, options?: CallOptions): Promise<void>;
  /** End several sessions, and return how many that were; what is no live session is ignored. */
  endSessions(ids: Iterable<SessionId>, options?: CallOptions): Promise<number>;
  /** End all sessions, or all but the one in use, and return how many that were. */
  endAllSessions(options?: { exceptThis?: boolean } & CallOptions): Promise<number>;
}

/** An answer that is no success; the message is the service's words. */
export class SessionsError extends Error {
  /** The HTTP status; null where there was no answer. */
  status: number | null;
  /** What the service calls the error; null where it was not the service that answered. */
  code: string | null;
  /** What operators find the request by. */
  requestId: string | null;
}

/** The request never got an answer; `cause` says why. Whether it was carried out is not known. */
export class NetworkError extends SessionsError {}

/** 400: the request lacks `fields`, or they are not what they should be. */
export class MissingFieldsError extends SessionsError {
  fields: string[];
}

/** 401: the token is not, or no longer, that of a live session: it is time to log in. */
export class InvalidSessionError extends SessionsError {}

/** 401: the password is not the user's. */
export class InvalidPasswordError extends SessionsError {}

/** 403: the user is banned. */
export class BannedError extends SessionsError {}

/** 404: nobody has this name or address. */
export class InvalidUserError extends SessionsError {}

/** 404: the session that was asked for, or was to be ended, is not a live one of this user. */
export class SessionNotFoundError extends SessionsError {}

/** 404: there is no such route: the base URL may be wrong. */
export class EndpointNotFoundError extends SessionsError {}

/** 413: the request was larger than the service takes. */
export class BodyTooLargeError extends SessionsError {}

/** 429: there were too many requests, and the next may come `retryAfter` seconds later. */
export class RateLimitedError extends SessionsError {
  retryAfter: number | null;
  limit: number | null;
  remaining: number | null;
}

/** 500: the service made a mistake. */
export class InternalError extends SessionsError {}

/** 503, 504: something behind the service does not answer; it may in `retryAfter` seconds. */
export class UnavailableError extends SessionsError {
  retryAfter: number | null;
}
