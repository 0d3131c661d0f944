// Routes of a product in Next.js that need a session.
//
//     npm --prefix examples ci
//     npm --prefix examples run next
//     curl -i http://127.0.0.1:8000/me -H "Authorization: Bearer $TOKEN"
//
// That is for the service of `make run`; TOKEN is what a login answers. In an account of AWS, the
// environment names SESSIONS_TABLE and USERS_TABLE where Next.js runs; its build needs neither.

// sessions: begin
import { DynamoDB } from "@aws-sdk/client-dynamodb";
import { protect, Verifier } from "sessions-client/next";

const { SESSIONS_TABLE: sessionsTable, USERS_TABLE: usersTable } = process.env;
const dynamodb = new DynamoDB({ requestHandler: { connectionTimeout: 1000, socketTimeout: 1000 } });
const verifier = new Verifier(dynamodb, { sessionsTable, usersTable });
export const GET = protect(verifier, { cookie: "__Host-session" })(showSession);
// sessions: end

// Nobody closes an account whose last login is over five minutes old.
export const DELETE = protect(verifier, { cookie: "__Host-session", maxAge: 300 })(closeAccount);

function showSession(request, { session }) {
  return Response.json(session);
}

function closeAccount(request, { session }) {
  return Response.json({ closed: session.user });
}
