// One line over the terminal: what was done, what goes on, what went wrong, perhaps with a button. The latest alone is shown; the keyboard stays
// where it is.
let line;

// Shows words, with buttons `[label, action]`. Without `ms` it stays until it is ended. Gives a way to change and to end it.
export function say(words, { buttons = [], ms = 0, alert = false } = {}) {
  line?.remove();
  const own = (line = document.createElement("div"));
  own.className = "said";
  own.setAttribute("role", alert ? "alert" : "status");
  const text = own.appendChild(document.createElement("span"));
  text.textContent = words;
  for (const [label, action] of buttons) {
    const button = own.appendChild(document.createElement("button"));
    button.type = "button";
    button.className = "button small";
    button.textContent = label;
    button.addEventListener("click", action);
  }
  document.body.append(own);
  if (ms) setTimeout(() => own.remove(), ms);
  return { update: (now) => { text.textContent = now; }, end: () => own.remove() };
}
