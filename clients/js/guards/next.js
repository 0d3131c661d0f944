import { admit } from "../verify.js";

/**
 * A route handler of Next.js, app/.../route.js, for requests with a session: it is the `session` of
 * the handler's second argument, beside `params`.
 *
 * @param {import("../verify.js").Verifier} verifier
 * @param {(request: any, context: any) => Response | Promise<Response>} handler
 * @param {import("../verify.js").GuardOptions} [options]
 */
export function protect(verifier, handler, options) {
  return async (/** @type {Request} */ request, /** @type {any} */ context) => {
    const header = (/** @type {string} */ name) => request.headers.get(name);
    const { session, refusal } = await admit(verifier, header, options);
    if (!refusal) return handler(request, { ...context, session });
    const { status, headers, body } = refusal;
    return Response.json(body, { status, headers });
  };
}
