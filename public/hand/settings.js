// What a person chose, kept in this browser: read by all that the terminal's page does, changed in its menu.
const KEY = "muxboard.terminal";
const DEFAULTS = {
  fontPx: 14,
  bell: true, // flash at a bell
  selectHint: true, // say once how to select where a program has the mouse
  askLines: 5, // a paste of so many lines asks first where no program is known to hold it back; 0 never
  prefix: "", // tmux's prefix for the key bar; empty: what tmux says
  keys: "auto", // the key bar: auto shows it where fingers point
  compose: false, // the compose line
  composeEnter: true, // Enter after what the compose line sends
  webgl: "auto", // auto: where a real graphics card draws faster; on is for tests
};
const LIMITS = { fontPx: [8, 32], askLines: [0, 1000] };
const CHOICES = { keys: ["auto", "on", "off"], webgl: ["auto", "on", "off"] };
const TEXT_LENGTH_MAX = 20;

const listeners = new Map();
const read = () => {
  try { return Object(JSON.parse(localStorage.getItem(KEY))); } catch { return {}; }
};
let kept = read();

// What is kept may be of another version, or of somebody's hand.
function sound(name, value) {
  const usual = DEFAULTS[name];
  if (typeof value !== typeof usual) return usual;
  if (CHOICES[name] && !CHOICES[name].includes(value)) return usual;
  if (typeof value === "string") return value.slice(0, TEXT_LENGTH_MAX);
  if (!LIMITS[name]) return value;
  const [least, most] = LIMITS[name];
  return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.round(value))) : usual;
}

export const settings = {
  get: (name) => sound(name, kept[name]),
  set(name, value) {
    kept[name] = sound(name, value);
    try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* a private window may keep nothing: it holds for this page */ }
    for (const listener of listeners.get(name) ?? []) listener(kept[name]);
  },
  // Calls it now and whenever it changes.
  follow(name, listener) {
    listeners.set(name, [...(listeners.get(name) ?? []), listener]);
    listener(this.get(name));
  },
};

// Another tab changed something: the same here.
addEventListener("storage", (event) => {
  if (event.key !== KEY && event.key !== null) return;
  const before = kept;
  kept = read();
  for (const name of Object.keys(DEFAULTS)) {
    const now = settings.get(name);
    if (now !== sound(name, before[name])) for (const listener of listeners.get(name) ?? []) listener(now);
  }
});
