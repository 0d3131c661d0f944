// A program with the types that openapi-typescript makes, and with openapi-fetch, which takes them;
// it prints what it did and saw.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];
declare const process: { argv: string[] };
const [, , baseUrl, user, pass] = process.argv;

const anybody = createClient<paths>({ baseUrl });
const first = await anybody.POST("/session", { body: { user, pass, rememberMe: true } });
await anybody.POST("/session", { body: { user, pass } });
const login = await anybody.POST("/user/session", { body: { user, pass } });
const { token }: Schemas["SuccessfulAuth"] = login.data!;

const somebody = createClient<paths>({ baseUrl, headers: { Authorization: token } });
const page = await somebody.GET("/user/sessions");
const { count, items }: Schemas["SessionList"] = page.data!;
const ended = await somebody.DELETE("/sessions", { body: { sessions: [items[1].iat, "0"] } });
const query = { allButSelf: "true" } as const;
const rest = await somebody.DELETE("/user/sessions/all", { params: { query } });

const wrong = await anybody.POST("/session", { body: { user, pass: "wrong" } });
const { code }: Schemas["Error" | "Banned" | "MissingFields"] = wrong.error!;
const missing = await anybody.POST("/session", { body: { user, pass: "" } });
const fields = missing.error && "fields" in missing.error ? missing.error.fields : [];

const headers = { Authorization: first.data!.token };
const ours = await createClient<paths>({ baseUrl, headers }).GET("/user/session");
const over = ours.error && "reason" in ours.error ? ours.error.reason : undefined;

const counts = [count, ended.data!.count, rest.data!.count];
console.log(JSON.stringify({ counts, wrong: code, missing: fields, over }));
