// The product's own name, and its page for forgotten passwords, where config.json has them.

import { urlOf } from "./url.js";
import { text } from "./words.js";

const PATIENCE = 5000;
const element = (id) => document.getElementById(id);
let config = {};

export async function load() {
  try {
    const answer = await fetch(urlOf("config.json"), { signal: AbortSignal.timeout(PATIENCE) });
    config = (await answer.json()) ?? {};
  } catch {
    // The page does without.
  }
}

export function show() {
  const { product, forgotPassword } = config;
  document.title = [text("title"), product].filter(Boolean).join(" · ");
  if (product) for (const each of document.querySelectorAll("h1")) each.textContent = product;
  element("subtitle").hidden = !product;
  element("forgot").hidden = !forgotPassword;
  if (forgotPassword) element("forgot").href = forgotPassword;
}
