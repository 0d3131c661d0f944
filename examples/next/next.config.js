import { fileURLToPath } from "node:url";

// Our package is a link to a folder outside of the example's own; a product has it in node_modules.
const root = fileURLToPath(new URL("../..", import.meta.url));

export default { turbopack: { root } };
