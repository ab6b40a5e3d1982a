// Lines over the terminal: what was done, what goes on, what went wrong, perhaps with a button. Of those that pass the latest alone is shown; one that
// stays is there until it is ended, whatever passes: its button may be the only way to stop something. The keyboard stays where it is.
const box = document.createElement("div");
box.className = "said";
let passing; // ends the one that is shown
let from; // had the keyboard before it came here

// Takes the keyboard to the first button, if there is one, and says whether.
export function reach() {
  const button = box.querySelector("button");
  if (!button || box.contains(document.activeElement)) return false;
  from = document.activeElement;
  button.focus();
  return true;
}

box.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  from?.focus();
});

// Shows words, with buttons `[label, action]`. Without `ms` it stays until it is ended. Gives a way to change and to end it.
export function say(words, { buttons = [], ms = 0, alert = false } = {}) {
  const own = document.createElement("div");
  own.className = "line";
  own.setAttribute("role", alert ? "alert" : "status");
  const text = own.appendChild(document.createElement("span"));
  text.textContent = words;
  for (const [label, action] of buttons) {
    const button = own.appendChild(document.createElement("button"));
    button.type = "button";
    button.className = "button small";
    button.textContent = label;
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", action);
  }
  const end = () => {
    const held = own.contains(document.activeElement);
    own.remove();
    if (!box.childElementCount) box.remove();
    if (held) (box.querySelector("button") ?? from)?.focus();
  };
  if (ms) {
    passing?.();
    passing = end;
    setTimeout(end, ms);
  }
  box.append(own);
  if (!box.isConnected) document.body.append(box);
  return { update: (now) => { text.textContent = now; }, end };
}
