// Asks the JavaScript Verifier what Python wants to know, a line of JSON each: a question, what the
// Verifier reads and writes meanwhile, and the answers to that, until there is a verdict.
import { createInterface } from "node:readline";

const { Verifier } = await import(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const next = async () => JSON.parse((await lines.next()).value ?? "null");

const dynamodb = {
  async batchGetItem(read) {
    write({ read });
    return JSON.parse(JSON.stringify(await next()), (name, value) =>
      name === "B" ? Uint8Array.from(Buffer.from(value, "base64")) : value,
    );
  },
  async updateItem(update) {
    write({ update });
    const { error } = await next();
    if (error) throw Object.assign(new Error(), { name: error });
  },
};
Math.random = () => 0; // which row of the session epoch is read: histories have only the first two
const verifier = new Verifier(dynamodb, { sessionsTable: "SessionsTable", usersTable: "UsersTable" });

for (let question = await next(); question; question = await next()) {
  Date.now = () => question.now * 1000;
  const options = question.max_age === null ? {} : { maxAge: question.max_age };
  try {
    const { idleExpires, ...session } = await verifier.verify(question.token, options);
    write({ session: { ...session, idle_expires: idleExpires } });
  } catch (error) {
    write({ error: error.name, reason: error.reason ?? null });
  }
}
