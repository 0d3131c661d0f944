import { admit } from "../verify.js";

export { Verifier } from "../verify.js";

/**
 * Return what makes a handler of app/.../route.js of Next.js one that needs a session. It is then
 * the `session` of the handler's second argument, beside `params`.
 *
 * @param {import("../verify.js").Verifier} verifier
 * @param {import("../verify.js").GuardOptions} [options]
 * @returns {(handler: (request: any, context: any) => any) => (request: any, context: any) => any}
 */
export function protect(verifier, options) {
  return (handler) => async (request, context) => {
    const header = (/** @type {string} */ name) => request.headers.get(name);
    const { session, refusal } = await admit(verifier, header, options);
    if (session) return handler(request, { ...context, session });
    const { body, ...answer } = refusal;
    return Response.json(body, answer);
  };
}
