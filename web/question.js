// A question that is asked before something that cannot be taken back.

const element = (id) => document.getElementById(id);
const dialog = element("question");
let answer = () => {};

/** Ask; resolve to whether the answer is yes. */
export function ask(title, explanation, yes) {
  element("question-title").textContent = title;
  element("question-text").textContent = explanation;
  element("question-yes").textContent = yes;
  dialog.showModal();
  return new Promise((resolve) => {
    answer = resolve;
  });
}

/** Take a question back, as if the answer were no. */
export function withdraw() {
  dialog.close();
}

function close(isYes) {
  answer(isYes);
  dialog.close();
}

dialog.onclose = () => answer(false);
element("question-no").onclick = () => close(false);
// The second click of a double click on what has opened the question is no answer to it.
element("question-yes").onclick = (event) => event.detail > 1 || close(true);
