// A program in TypeScript that knows the JavaScript client and Verifier by their types alone.

import * as sessions from "./sessions.js";
import type {
  CallOptions, ClientOptions, Credentials, Session, SessionId, Sessions, Token,
} from "./sessions.js";
import * as verify from "./verify.js";
import type { VerifiedSession } from "./verify.js";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Expect<T extends true> = T;
type Client = sessions.SessionsClient;
type Errors = {
  [Name in keyof typeof sessions as Name extends "SessionsClient" ? never : Name]:
    InstanceType<(typeof sessions)[Name]>;
};

export type Checks = [
  Expect<Same<Session["iat"] | Session["exp"] | Session["createdAt"], number>>,
  Expect<Same<Session["sub"] | Session["name"] | Session["method"], string>>,
  Expect<Same<Session["usedAt"] | Session["idleExp"], number | undefined>>,
  Expect<Same<Session["address"] | Session["country"] | Session["by"], string | undefined>>,
  Expect<Same<Sessions, { count: number; items: Session[] }>>,
  Expect<Same<Token, { token: string | null; exp: number }>>,
  Expect<Same<SessionId, number | string>>,
  Expect<Same<CallOptions, { signal?: AbortSignal }>>,
  Expect<Same<Credentials, {
    user: string; password: string; rememberMe?: boolean; name?: string; address?: string;
    signal?: AbortSignal;
  }>>,
  Expect<Same<ClientOptions, {
    token?: string | null;
    cookie?: boolean;
    backEndSecret?: string | null;
    fetch?: typeof fetch;
    retries?: number;
    sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  }>>,

  Expect<Same<ConstructorParameters<typeof sessions.SessionsClient>, [string | URL, ClientOptions?]>>,
  Expect<Same<keyof Client,
    "token" | "logIn" | "reauthenticate" | "verify" | "currentSession" | "session" | "sessions" | "allSessions"
    | "endSession" | "endSessions" | "endAllSessions">>,
  Expect<Same<Client["token"], string | null>>,
  Expect<Same<Client["logIn"], (_: Credentials) => Promise<Token>>>,
  Expect<Same<Client["reauthenticate"],
    (password: string, _?: Partial<Omit<Credentials, "password">>) => Promise<Token>>>,
  Expect<Same<Client["verify"],
    (token: string | null | undefined, _?: CallOptions) => Promise<Session>>>,
  Expect<Same<Client["currentSession"], (_?: CallOptions) => Promise<Session>>>,
  Expect<Same<Client["session"], (id: SessionId, _?: CallOptions) => Promise<Session>>>,
  Expect<Same<Client["sessions"],
    (_?: { limit?: number; offset?: number } & CallOptions) => Promise<Sessions>>>,
  Expect<Same<Client["allSessions"],
    (_?: { pageSize?: number } & CallOptions) => AsyncGenerator<Session, void, void>>>,
  Expect<Same<Client["endSession"], (id: SessionId, _?: CallOptions) => Promise<void>>>,
  Expect<Same<Client["endSessions"],
    (ids: Iterable<SessionId>, _?: CallOptions) => Promise<number>>>,
  Expect<Same<Client["endAllSessions"],
    (_?: { exceptThis?: boolean } & CallOptions) => Promise<number>>>,

  Expect<Errors[keyof Errors] extends Error ? true : false>,
  Expect<Same<Errors[keyof Errors]["status"], number | null>>,
  Expect<Same<Errors[keyof Errors]["code" | "requestId"], string | null>>,
  Expect<Same<Errors["MissingFields"]["fields"], string[]>>,
  Expect<Same<Errors["InvalidSession" | "Banned"]["reason"], string | null>>,
  Expect<Same<Errors["Banned"]["until"], number | null>>,
  Expect<Same<Errors["RateLimited"]["retryAfter" | "limit" | "remaining"], number | null>>,
  Expect<Same<Errors["Unavailable"]["retryAfter"], number | null>>,

  Expect<Same<VerifiedSession,
    {
      user: string; id: number; created: number; expires: number; name: string; method: string;
      by: string | null;
    }>>,
  Expect<Same<verify.Verifier["verify"],
    (token: string, _?: { maxAge?: number }) => Promise<VerifiedSession>>>,
  Expect<Same<verify.InvalidSession["reason"], string | null>>,
  Expect<Same<verify.StaleSession["maxAge"] | verify.ApiError["status"], number>>,
  Expect<Same<verify.ApiError["headers"], Record<string, string>>>,
];
