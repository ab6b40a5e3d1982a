// What the steps ask of a browser. Each of the three is led by another protocol, so this is the little that all of them can do: a file a browser.

export type Scheme = "light" | "dark";

export interface Tab {
  goto(url: string): Promise<void>;
  // Runs a function in the page. It sees its arguments and nothing else.
  evaluate<A extends unknown[], T>(run: (...its: A) => T, ...its: A): Promise<Awaited<T>>;
  // A press of the mouse on the first element of a selector.
  click(selector: string): Promise<void>;
  // A key for each character, into whatever has the focus.
  type(text: string): Promise<void>;
  // A key by its name, under Control and Shift if they are named before it: "Enter", "Control+Shift+v".
  press(key: string): Promise<void>;
  resize(width: number, height: number): Promise<void>;
  screenshot(path: string): Promise<void>;
  // The console's errors and warnings, uncaught exceptions and refused promises, since the tab was opened.
  complaints(): Promise<string[]>;
  close(): Promise<void>;
}

export interface Engine {
  // A tab of a fresh profile: no cookie, nothing kept.
  open(scheme: Scheme): Promise<Tab>;
  close(): Promise<void>;
}

// The size of a tab that nobody has resized.
export const SIZE = { width: 1280, height: 800 };

// "Control+Shift+v": its modifiers, and the key as Shift makes it.
export function chord(key: string): { modifiers: string[]; key: string } {
  const modifiers = key.split("+");
  const last = modifiers.pop()!;
  return { modifiers, key: modifiers.includes("Shift") && last.length === 1 ? last.toUpperCase() : last };
}

// What a policy refused is no message of the console in Firefox, and WebKit's console cannot be read: in a page before its own scripts.
export function listenForRefusals() {
  addEventListener("securitypolicyviolation", (event) => console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI}`));
}
