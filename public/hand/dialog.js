// A native dialog made of elements: none of its words is ever read as markup.
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

export const button = (words, action, kind = "") => {
  const made = make("button", { type: "button", className: `button ${kind}`.trim(), textContent: words });
  made.addEventListener("click", action);
  return made;
};

// Shown over everything until it is closed; then it is gone, and the keyboard is the terminal's again.
export function open(hand, dialog) {
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    // On a touch screen that would bring up the keyboard.
    if (!matchMedia("(pointer: coarse)").matches) hand.terminal.focus();
  });
  dialog.showModal();
}
