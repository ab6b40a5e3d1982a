// What the session says beside its text: a bell, a notification, a title. Nothing of it is more than a mark and a line of plain text.
const TITLE_LENGTH_MAX = 200;
const MARK = "● ";
// Control characters, line separators, and all that turns the direction of the text after it.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

// A title as it may stand in a tab.
export const clean = (text) => [...text.replace(UNSEEN, "").trim()].slice(0, TITLE_LENGTH_MAX).join("");

export function signals(hand) {
  const { terminal, element, settings } = hand;
  const own = document.title;
  const name = document.querySelector(".term-bar h1");
  let title = "";
  let marked = false;
  const show = () => {
    document.title = (marked ? MARK : "") + (title ? `${title} · ${name?.textContent ?? ""} · muxboard` : own);
  };

  const looked = () => !document.hidden && document.hasFocus();
  const mark = () => {
    if (looked()) return;
    marked = true;
    show();
  };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const seen = () => {
    if (looked() && marked) {
      marked = false;
      show();
    }
    if (looked() && still.matches) element.classList.remove("bell");
  };
  addEventListener("focus", seen);
  document.addEventListener("visibilitychange", seen);
  for (const event of ["keydown", "pointerdown"]) document.addEventListener(event, () => still.matches && element.classList.remove("bell"), { capture: true });

  // The frame flashes; where nothing may move, it stays marked until a key is pressed.
  terminal.onBell(() => {
    mark();
    if (settings.get("bell")) element.classList.add("bell");
  });
  element.addEventListener("animationend", (event) => { if (event.target === element) element.classList.remove("bell"); });
  settings.follow("bell", (on) => { if (!on) element.classList.remove("bell"); });

  // Notifications: iTerm2's form (in which "4;" is a progress bar), and rxvt's.
  terminal.parser.registerOscHandler(9, (text) => {
    if (!text.startsWith("4;")) mark();
    return true;
  });
  terminal.parser.registerOscHandler(777, (text) => {
    if (text.startsWith("notify;")) mark();
    return true;
  });

  terminal.onTitleChange((text) => {
    title = clean(text);
    show();
  });
  if (name) new MutationObserver(() => title && show()).observe(name, { childList: true, characterData: true, subtree: true });
}
