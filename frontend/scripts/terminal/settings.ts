// What a person chose, kept in this browser: read by all that the terminal's page does, changed in its menu.
const KEY = "muxboard.terminal";

export interface Choices {
  fontPx: number;
  // Flash at a bell.
  bell: boolean;
  // Say once how to select where a program has the mouse.
  selectHint: boolean;
  // A paste of so many lines asks first where no program is known to hold it back; 0 never.
  askLines: number;
  // tmux's prefix for the key bar; empty: what tmux says.
  prefix: string;
  // The key bar: auto shows it where fingers point.
  keys: "auto" | "on" | "off";
  // The compose line.
  compose: boolean;
  // Enter after what the compose line sends.
  composeEnter: boolean;
  // auto: where a real graphics card draws faster; on is for tests.
  webgl: "auto" | "on" | "off";
}
export type Name = keyof Choices;

const DEFAULTS: Readonly<Choices> = {
  fontPx: 14,
  bell: true,
  selectHint: true,
  askLines: 5,
  prefix: "",
  keys: "auto",
  compose: false,
  composeEnter: true,
  webgl: "auto",
};
const NAMES = Object.keys(DEFAULTS) as Name[];
const LIMITS: { [its in Name]?: [number, number] } = { fontPx: [8, 32], askLines: [0, 1000] };
const WORDS: { [its in Name]?: string[] } = { keys: ["auto", "on", "off"], webgl: ["auto", "on", "off"] };
const TEXT_LENGTH_MAX = 20;

// What is kept may be of another version, or of somebody's hand.
export function sound<N extends Name>(name: N, value: unknown): Choices[N] {
  const usual = DEFAULTS[name];
  const checked = (): unknown => {
    if (typeof value !== typeof usual) return usual;
    if (typeof value === "string") return WORDS[name] && !WORDS[name].includes(value) ? usual : value.slice(0, TEXT_LENGTH_MAX);
    if (typeof value !== "number" || !LIMITS[name]) return value;
    const [least, most] = LIMITS[name];
    return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.round(value))) : usual;
  };
  return checked() as Choices[N];
}

type Kept = { [its in Name]?: unknown };
type Listeners = { [its in Name]?: ((value: Choices[its]) => void)[] };

export class Settings {
  #kept = this.#read();
  #listeners: Listeners = {};

  constructor() {
    // Another tab changed something: the same here.
    addEventListener("storage", (event) => {
      if (event.key !== KEY && event.key !== null) return;
      const before = this.#kept;
      this.#kept = this.#read();
      for (const name of NAMES) if (this.get(name) !== sound(name, before[name])) this.#tell(name);
    });
  }

  get<N extends Name>(name: N): Choices[N] {
    return sound(name, this.#kept[name]);
  }

  set<N extends Name>(name: N, value: unknown) {
    this.#kept[name] = sound(name, value);
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#kept));
    } catch {
      // A private window may keep nothing: it holds for this page.
    }
    this.#tell(name);
  }

  // Calls it now and whenever it changes.
  follow<N extends Name>(name: N, listener: (value: Choices[N]) => void) {
    const all: ((value: Choices[N]) => void)[] = this.#listeners[name] ?? [];
    this.#listeners[name] = [...all, listener] as Listeners[N];
    listener(this.get(name));
  }

  #tell<N extends Name>(name: N) {
    for (const listener of this.#listeners[name] ?? []) listener(this.get(name));
  }

  #read(): Kept {
    try {
      return Object(JSON.parse(localStorage.getItem(KEY) ?? "null"));
    } catch {
      return {};
    }
  }
}
