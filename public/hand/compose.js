// The compose line: an ordinary text field, in which input methods, autocorrect and dictation do what they do everywhere. Nothing leaves it before Send.
const KEPT_MAX = 50;

export function compose(hand) {
  const { settings } = hand;
  const form = document.createElement("form");
  form.className = "compose";
  const field = form.appendChild(document.createElement("textarea"));
  field.rows = 1;
  field.placeholder = "Write, then send";
  field.setAttribute("aria-label", "Text to send to the terminal");
  field.setAttribute("enterkeyhint", "send");
  const label = form.appendChild(document.createElement("label"));
  const enter = label.appendChild(document.createElement("input"));
  enter.type = "checkbox";
  label.append("Enter");
  label.title = "Press Enter after the text";
  const button = form.appendChild(document.createElement("button"));
  button.className = "button primary";
  button.textContent = "Send";

  const sent = []; // the newest last
  let at = 0; // where in them the field is; their number: not in them
  let sending = false; // a question about it is on its way or open: sent again it would come twice
  const send = async () => {
    const text = field.value;
    const end = enter.checked ? "\r" : "";
    if (text + end === "" || sending) return;
    let went;
    sending = true;
    if (/\n/.test(text)) {
      went = await hand.paste(text);
      if (went !== false && end) went = hand.type(end);
    } else {
      // A text is for the program. An Enter alone is a key, as on the keyboard.
      if (text) hand.leave();
      went = hand.type(text + end);
    }
    sending = false;
    if (went === false) {
      hand.say("Not sent. Your text stays here.", { ms: 8000, alert: true });
      return;
    }
    // What was written while it went stays.
    if (field.value === text) field.value = "";
    if (text && sent.at(-1) !== text) sent.push(text);
    if (sent.length > KEPT_MAX) sent.shift();
    at = sent.length;
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  // Send leaves the keyboard up.
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
      return;
    }
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const recalled = field.value === (sent[at] ?? "");
    if (!step || !recalled || at + step < 0 || at + step > sent.length) return;
    event.preventDefault();
    at += step;
    field.value = sent[at] ?? "";
    field.setSelectionRange(field.value.length, field.value.length);
  });

  document.body.append(form);
  enter.addEventListener("change", () => settings.set("composeEnter", enter.checked));
  settings.follow("composeEnter", (on) => { enter.checked = on; });
  const watching = document.querySelector(".term-bar .watching") !== null;
  settings.follow("compose", (on) => { form.hidden = watching || !on; });
  // The menu's switch: who opens it wants to write.
  hand.compose = (on) => {
    settings.set("compose", on);
    on ? field.focus() : hand.terminal.focus();
  };
}
