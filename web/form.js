// The form to log in with.

import { InvalidPassword, InvalidUser } from "./client/sessions.js";
import { text } from "./words.js";

const form = document.getElementById("login");
const { user, password, remember } = form;
const show = document.getElementById("show");

/** Return what is in the form; browsers keep passwords that are shown as texts. */
export function read() {
  showPassword(false);
  return { user: user.value, password: password.value, rememberMe: remember.checked };
}

export function clear() {
  form.reset();
  markWrong(null);
}

export function focus() {
  user.focus();
}

/** Mark the input that an error is about, and lead to it. */
export function markWrong(error) {
  for (const [input, kind] of [[user, InvalidUser], [password, InvalidPassword]]) {
    const isWrong = error instanceof kind;
    input.setAttribute("aria-invalid", isWrong);
    if (isWrong) input.select();
  }
}

function showPassword(isSeen) {
  password.type = isSeen ? "text" : "password";
  show.setAttribute("aria-pressed", isSeen);
  show.setAttribute("aria-label", text(isSeen ? "login.hide" : "login.show"));
}

export function listen(logIn) {
  show.onclick = () => showPassword(password.type === "password");
  form.onsubmit = (event) => {
    event.preventDefault();
    logIn();
  };
}
