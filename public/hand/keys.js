// The key bar: what a phone's keyboard lacks. Ctrl and Alt hold for the next key, a second tap holds them until a third.
import { bytes, named, under } from "./bytes.js";

// A press held so long repeats, so often.
const HOLD_MS = 400;
const REPEAT_MS = 60;
const REPEATS = new Set(["Tab", "Up", "Down", "Left", "Right", "PgUp", "PgDn", "Home", "End"]);
const USUAL = "\x02"; // tmux's prefix, where nobody changed it
const PREFIX_MS = 1000; // so long it is waited for, and what follows it too
const KEYS = [
  ["Esc"], ["Tab"], ["Ctrl"], ["Alt"], ["Left", "←", "Left arrow"], ["Up", "↑", "Up arrow"], ["Down", "↓", "Down arrow"], ["Right", "→", "Right arrow"],
  ["Prefix", "tmux", "tmux prefix"], ["Paste"], ["Text", "Text", "Text and history"], ["PgUp", "PgUp", "Page up"], ["PgDn", "PgDn", "Page down"],
  ["|", "|", "Vertical bar"], ["/", "/", "Slash"], ["-", "-", "Minus"], ["Home"], ["End"], ["Keyboard", "⌨", "Keyboard"],
];

export function keys(hand) {
  const { terminal, settings } = hand;
  const latches = { Ctrl: 0, Alt: 0 }; // 0 up, 1 for the next key, 2 until it is tapped again
  const buttons = {};

  const bar = document.createElement("div");
  bar.className = "key-bar";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Keys");

  const latch = (name, state) => {
    latches[name] = state;
    buttons[name].setAttribute("aria-pressed", String(state > 0));
    buttons[name].setAttribute("aria-label", state === 2 ? `${name}, locked` : name);
    buttons[name].dataset.latch = ["up", "next", "locked"][state];
  };
  const down = () => ({ ctrl: latches.Ctrl > 0, alt: latches.Alt > 0 });
  const used = () => {
    for (const name of ["Ctrl", "Alt"]) if (latches[name] === 1) latch(name, 0);
  };
  hand.latching = () => latches.Ctrl > 0 || latches.Alt > 0;
  hand.latched = (text) => {
    if (!hand.latching()) return text;
    const now = under(text, down());
    if (now === undefined) return text;
    used();
    return now;
  };

  // tmux's prefix: the person's word, or tmux's own, or its usual one if tmux does not say it soon. A failed question is put again.
  let known;
  let asked;
  const prefix = () => named(settings.get("prefix")) ?? known;
  const ask = () => {
    asked ??= (async () => {
      if (!hand.urls.screen) return undefined;
      const answer = await fetch(hand.urls.screen, { signal: AbortSignal.timeout(PREFIX_MS), headers: { accept: "application/json" } });
      return answer.ok ? named(String((await answer.json()).prefix)) : undefined;
    })().catch(() => undefined).then((its) => {
      asked = undefined;
      return (known = its);
    });
    return asked;
  };

  const press = (key) => {
    if (key in latches) return latch(key, (latches[key] + 1) % 3);
    const held = down();
    used();
    hand.forget();
    if (key !== "Prefix") hand.type(bytes(key, { ...held, application: terminal.modes.applicationCursorKeysMode }));
    else if (prefix()) hand.type(prefix());
    else hand.later(ask(), USUAL);
  };

  hand.pasteClipboard = async () => {
    let text;
    try { text = await navigator.clipboard.readText(); } catch {
      hand.say("The browser does not let this page read the clipboard. Paste into the compose line instead: it is in the menu.", { ms: 8000, alert: true });
      return;
    }
    hand.paste(text);
  };
  const typed = () => terminal.textarea === document.activeElement;
  const keyboard = () => (typed() ? terminal.blur() : terminal.focus());

  // The keyboard and the focus stay where they are: a press is a click without its mouse.
  const button = (label, name, act, repeats) => {
    const own = bar.appendChild(document.createElement("button"));
    own.type = "button";
    own.className = "key";
    own.textContent = label;
    if (name !== label) own.setAttribute("aria-label", name);
    if (/^[^a-z]$/i.test(label)) own.classList.add("sign");
    let timer, repeated;
    const stop = () => { clearTimeout(timer); timer = undefined; };
    const again = () => { repeated = true; act(); timer = setTimeout(again, REPEAT_MS); };
    own.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      if (name === "tmux prefix" && !prefix()) ask(); // on its way while the finger is down
      stop();
      repeated = false;
      if (repeats && event.isPrimary && event.button === 0) timer = setTimeout(again, HOLD_MS);
    });
    own.addEventListener("mousedown", (event) => event.preventDefault());
    own.addEventListener("contextmenu", (event) => event.preventDefault());
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) own.addEventListener(end, stop);
    own.addEventListener("click", () => { if (!repeated) act(); repeated = false; });
    return own;
  };
  const acts = { Paste: hand.pasteClipboard, Text: () => hand.text.open(), Keyboard: keyboard };
  for (const [key, label = key, name = label] of KEYS) buttons[key] = button(label, name, acts[key] ?? (() => press(key)), REPEATS.has(key));
  for (const name of ["Ctrl", "Alt"]) latch(name, 0);
  const follow = () => buttons.Keyboard.setAttribute("aria-pressed", String(typed()));
  for (const event of ["focusin", "focusout"]) document.addEventListener(event, () => setTimeout(follow));
  follow();

  document.body.append(bar);
  const coarse = matchMedia("(pointer: coarse)");
  hand.showsKeys = () => settings.get("keys") === "on" || (settings.get("keys") === "auto" && coarse.matches);
  const watching = document.querySelector(".term-bar .watching") !== null;
  const show = () => { bar.hidden = watching || !hand.showsKeys(); };
  coarse.addEventListener("change", show);
  settings.follow("keys", show);
}
