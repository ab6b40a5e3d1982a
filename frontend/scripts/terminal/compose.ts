// The compose line: an ordinary text field, in which input methods, autocorrect and dictation do what they do everywhere. Nothing leaves it before Send.
import type { Context } from "./context";
import type { Input } from "./input";
import type { Paste } from "./paste";

const KEPT_MAX = 50;

export class ComposeLine {
  readonly #context: Context;
  readonly #input: Input;
  readonly #paste: Paste;
  readonly #field = document.createElement("textarea");
  readonly #enter = document.createElement("input");
  readonly #sent: string[] = []; // the newest last
  #at = 0; // where in them the field is; their number: not in them
  #sending = false; // a question about it is on its way or open: sent again it would come twice

  constructor(context: Context, input: Input, paste: Paste) {
    this.#context = context;
    this.#input = input;
    this.#paste = paste;
    const { settings, watching } = context;
    const field = this.#field;
    const form = document.createElement("form");
    form.className = "compose";
    form.append(field);
    field.rows = 1;
    field.placeholder = "Write, then send";
    field.setAttribute("aria-label", "Text to send to the terminal");
    field.setAttribute("enterkeyhint", "send");
    const label = form.appendChild(document.createElement("label"));
    this.#enter.type = "checkbox";
    label.append(this.#enter, "Enter");
    label.title = "Press Enter after the text";
    const button = form.appendChild(document.createElement("button"));
    button.className = "button primary";
    button.textContent = "Send";

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    // Send leaves the keyboard up.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    field.addEventListener("keydown", (event) => this.#keydown(event));

    document.body.append(form);
    this.#enter.addEventListener("change", () => settings.set("composeEnter", this.#enter.checked));
    settings.follow("composeEnter", (on) => {
      this.#enter.checked = on;
    });
    settings.follow("compose", (on) => {
      form.hidden = watching || !on;
    });
  }

  // The menu's switch: who opens it wants to write.
  show(on: boolean) {
    this.#context.settings.set("compose", on);
    (on ? this.#field : this.#context.terminal).focus();
  }

  async #send() {
    const text = this.#field.value;
    const end = this.#enter.checked ? "\r" : "";
    if (text + end === "" || this.#sending) return;
    let went: boolean;
    this.#sending = true;
    if (text.includes("\n")) {
      went = await this.#paste.paste(text);
      if (went && end) went = this.#input.type(end);
    } else {
      // A text is for the program. An Enter alone is a key, as on the keyboard.
      if (text) this.#context.line.leave();
      went = this.#input.type(text + end);
    }
    this.#sending = false;
    if (!went) {
      this.#context.toast("Not sent. Your text stays here.", { ms: 8000, alert: true });
      return;
    }
    // What was written while it went stays.
    if (this.#field.value === text) this.#field.value = "";
    if (text && this.#sent.at(-1) !== text) this.#sent.push(text);
    if (this.#sent.length > KEPT_MAX) this.#sent.shift();
    this.#at = this.#sent.length;
  }

  #keydown(event: KeyboardEvent) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
      return;
    }
    const field = this.#field;
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    const recalled = field.value === (this.#sent[this.#at] ?? "");
    if (!step || !recalled || this.#at + step < 0 || this.#at + step > this.#sent.length) return;
    event.preventDefault();
    this.#at += step;
    field.value = this.#sent[this.#at] ?? "";
    field.setSelectionRange(field.value.length, field.value.length);
  }
}
