// Lines over the terminal: what was done, what goes on, what went wrong, perhaps with a button. Of those that pass the latest alone is shown; one that
// stays is there until it is ended, whatever passes: its button may be the only way to stop something. The keyboard stays where it is.
export interface ToastOptions {
  // What the buttons say and do.
  buttons?: [label: string, action: () => void][];
  // After so long it passes; without it the toast stays until it is ended.
  ms?: number;
  alert?: boolean;
}
export interface ShownToast {
  update(words: string): void;
  end(): void;
}
export type Toast = (words: string, options?: ToastOptions) => ShownToast;

export class Toasts {
  #box = document.createElement("div");
  #passing?: () => void; // ends the one that is shown
  #from?: HTMLElement | null; // had the keyboard before it came here

  constructor() {
    this.#box.className = "toasts";
    this.#box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.#from?.focus();
    });
  }

  // Takes the keyboard to the first button, if there is one, and says whether.
  reach(): boolean {
    const button = this.#box.querySelector("button");
    if (!button || this.#box.contains(document.activeElement)) return false;
    this.#from = document.activeElement as HTMLElement | null;
    button.focus();
    return true;
  }

  readonly show: Toast = (words, { buttons = [], ms = 0, alert = false } = {}) => {
    const box = this.#box;
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
      if (held) (box.querySelector("button") ?? this.#from)?.focus();
    };
    if (ms) {
      this.#passing?.();
      this.#passing = end;
      setTimeout(end, ms);
    }
    box.append(own);
    if (!box.isConnected) document.body.append(box);
    return {
      update(now) {
        text.textContent = now;
      },
      end,
    };
  };
}
