// The menu in the terminal's bar: what one sets and what one does, and the keys that are taken from the terminal, which are few: Ctrl+Shift and a key,
// and Shift+PageUp. All others are the program's.
import { reach } from "./say.js";

const KEYS = [
  ["Ctrl+Shift+Space", "out of the terminal: to the button of a line at its top, else to this menu"],
  ["Ctrl+Shift+=", "larger"],
  ["Ctrl+Shift+-", "smaller"],
  ["Shift+PageUp, Shift+wheel", "text and history"],
  ["Ctrl+Shift+F", "search in it"],
  ["Ctrl+Shift+C, Ctrl+Shift+V", "copy, paste"],
];

const make = (parent, name, properties = {}) => Object.assign(parent.appendChild(document.createElement(name)), properties);

export function menu(hand) {
  const { terminal, element, settings } = hand;
  const bar = document.querySelector(".term-bar");
  if (!bar) return;
  const watching = bar.querySelector(".watching") !== null;

  const opener = make(bar, "button", { type: "button", className: "button small menu-button", textContent: "☰" });
  opener.setAttribute("aria-label", "Menu");
  const box = make(document.body, "div", { className: "terminal-menu", id: "menu", popover: "auto" });
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-label", "Menu");
  opener.popoverTargetElement = box;
  const close = () => box.hidePopover();

  // What one does. What is not offered is not shown.
  const actions = make(box, "div", { className: "actions" });
  const action = (label, act, offered = () => true) => {
    const button = make(actions, "button", { type: "button", className: "button", textContent: label });
    button.addEventListener("click", () => { close(); act(); });
    box.addEventListener("beforetoggle", () => { button.hidden = !offered(); });
    return button;
  };
  action("Text and history", () => hand.text.open());
  action("Paste", () => hand.pasteClipboard(), () => !watching);
  action("Attach a file", () => hand.attach(), () => !watching && hand.urls.upload);
  const full = action("Full screen", () => {
    const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
    done.catch(() => hand.say("The browser does not allow full screen here.", { ms: 5000 }));
  }, () => document.fullscreenEnabled);
  document.addEventListener("fullscreenchange", () => { full.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen"; });

  const row = (label, control) => {
    const line = make(box, "label", { className: "row" });
    make(line, "span", { textContent: label });
    line.append(control);
    return control;
  };
  // The size of the font.
  const size = make(box, "div", { className: "row", role: "group" });
  size.setAttribute("aria-label", "Font size");
  make(size, "span", { textContent: "Font size" });
  const step = (by) => settings.set("fontPx", settings.get("fontPx") + by);
  const sized = (label, name, by) => {
    const button = make(size, "button", { type: "button", className: "button", textContent: label });
    button.setAttribute("aria-label", name);
    button.addEventListener("click", () => step(by));
  };
  sized("−", "Smaller", -1);
  const now = make(size, "output");
  sized("+", "Larger", 1);
  settings.follow("fontPx", (px) => {
    now.textContent = `${px} px`;
    // A watcher's size is what the grid of another needs.
    if (!hand.watches()) terminal.options.fontSize = px;
    hand.fit();
  });

  const toggle = (label, name, read, write) => {
    const input = row(label, Object.assign(document.createElement("input"), { type: "checkbox" }));
    input.addEventListener("change", () => write(input.checked));
    settings.follow(name, () => { input.checked = read(); });
  };
  if (!watching) {
    toggle("Key bar", "keys", () => hand.showsKeys(), (on) => settings.set("keys", on ? "on" : "off"));
    toggle("Compose line", "compose", () => settings.get("compose"), (on) => { close(); hand.compose(on); });
  }
  toggle("Flash at a bell", "bell", () => settings.get("bell"), (on) => settings.set("bell", on));
  toggle("Draw with the graphics card", "webgl", () => settings.get("webgl") !== "off", (on) => settings.set("webgl", on ? "auto" : "off"));
  const field = (label, name, properties, read) => {
    const input = row(label, Object.assign(document.createElement("input"), properties));
    input.addEventListener("change", () => { settings.set(name, read(input)); input.value = settings.get(name); });
    settings.follow(name, (value) => { input.value = value; });
  };
  if (!watching) {
    field("Ask before pasting so many lines (0: never)", "askLines", { type: "number", min: 0, max: 1000, inputMode: "numeric" }, (input) => Number(input.value));
    field("tmux prefix (empty: tmux's own)", "prefix", { type: "text", placeholder: "C-b", autocapitalize: "off", autocomplete: "off", spellcheck: false }, (input) => input.value.trim());
  }

  const keys = make(box, "details");
  make(keys, "summary", { textContent: "Keys" });
  const list = make(keys, "dl");
  box.addEventListener("beforetoggle", () => {
    list.replaceChildren();
    for (const [key, what] of KEYS) {
      make(list, "dt", { textContent: key });
      make(list, "dd", { textContent: what });
    }
  });
  make(keys, "p", { textContent: "Every other key goes to the terminal, Escape and Tab too." });

  // Back to where one was; a phone's keyboard comes up when it is wanted.
  let back;
  box.addEventListener("toggle", (event) => {
    opener.setAttribute("aria-expanded", String(event.newState === "open"));
    const away = document.activeElement;
    if (event.newState === "closed" && !matchMedia("(pointer: coarse)").matches && (away === opener || away === document.body)) (back ?? terminal).focus();
    if (event.newState === "closed") back = undefined;
  });

  // Before the terminal, whatever has the focus.
  const taken = (event) => {
    if (event.altKey || event.metaKey || !event.shiftKey) return undefined;
    if (!event.ctrlKey) return event.key === "PageUp" && element.contains(event.target) ? () => hand.text.open({ fromBottom: terminal.rows }) : undefined;
    // What a modal dialog covers is out of reach.
    if (event.code === "Space") return document.querySelector("dialog:modal") ? undefined : () => {
      if (reach()) return;
      back ??= document.activeElement === document.body ? terminal : document.activeElement;
      opener.focus();
      box.showPopover();
      box.querySelector("button:not([hidden]), input").focus();
    };
    // By what is printed on the key; a German one has a star over its plus.
    if (event.key === "+" || event.key === "=" || (event.key === "*" && event.code === "BracketRight")) return () => step(1);
    // Ctrl+_ of a US keyboard is this too: Ctrl+/ sends the same.
    if (event.key === "_" || event.key === "-") return () => step(-1);
    return undefined;
  };
  document.addEventListener("keydown", (event) => {
    const act = taken(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }, { capture: true });
}
