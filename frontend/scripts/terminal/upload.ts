// Files on their way to the session's host: pasted, dropped or picked, one after another. Each one's path is then put in as a paste.
import type { Context } from "./context";
import type { Paste } from "./paste";
import { short, until } from "./upload-words";
import { size } from "./words";

const OFF = "Uploads are off here: [upload] enabled = true in the server's configuration turns them on.";

// What the server answers.
interface Answer {
  path?: unknown;
  // The path as it is typed.
  typed?: unknown;
  // When the file goes, in seconds since 1970.
  expires?: number;
  detail?: unknown;
}

export class Upload {
  readonly #context: Context;
  readonly #paste: Paste;
  readonly #queue: File[] = [];
  #running = false;
  #paths: string[] = []; // of this row of uploads

  constructor(context: Context, paste: Paste) {
    this.#context = context;
    this.#paste = paste;
  }

  // Why nothing can be uploaded, in words; empty: it can.
  get refusal(): string {
    const { watching, urls } = this.#context;
    return watching ? "You are watching: nothing is uploaded." : urls.upload ? "" : OFF;
  }

  send(files: Iterable<File>) {
    const no = this.refusal;
    if (no) {
      this.complain(no);
      return;
    }
    this.#queue.push(...files);
    if (!this.#running) this.#work();
  }

  // The entry "Attach a file" of the menu.
  pick() {
    const no = this.refusal;
    if (no) {
      this.complain(no);
      return;
    }
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.addEventListener("change", () => {
      this.send(input.files ?? []);
      this.#context.terminal.focus();
    });
    input.click();
  }

  complain(words: string) {
    this.#context.toast(words, { ms: 10_000, alert: true });
  }

  async #work() {
    this.#running = true;
    this.#paths = [];
    for (let file = this.#queue.shift(); file; file = this.#queue.shift()) {
      const wrong = await this.#one(file);
      if (!wrong) continue;
      // The next file would take these words away before anybody read them; and who cancels means all.
      const left = this.#queue.splice(0).length;
      this.complain(left ? `${wrong} ${left} more not sent.` : wrong);
    }
    this.#running = false;
  }

  // One file: gives what went wrong in words, or nothing.
  #one(file: File): Promise<string | undefined> | string {
    const { urls, uploadBytesMax, toast } = this.#context;
    const name = short(file.name || "image");
    if (file.size > uploadBytesMax) {
      const [its, most] = [size(file.size), size(uploadBytesMax)];
      const exactly = its === most;
      return `${name} is too large: ${exactly ? `${file.size} bytes` : its}. At most ${exactly ? `${uploadBytesMax} bytes` : most} can be uploaded here.`;
    }
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      const shown = toast(`Uploading ${name}`, { buttons: [["Cancel", () => request.abort()]] });
      const end = (words?: string) => {
        shown.end();
        done(words);
      };
      request.upload.addEventListener("progress", ({ loaded, total }) => shown.update(`Uploading ${name} ${Math.floor((100 * loaded) / (total || 1))} %`));
      request.upload.addEventListener("load", () => shown.update(`Uploading ${name}: writing it on the host`));
      request.addEventListener("abort", () => end(`Upload of ${name} cancelled.`));
      request.addEventListener("error", () => end(`${name} was not uploaded: the connection broke, or the file cannot be read.`));
      request.addEventListener("load", () => {
        const said: Answer = request.response ?? {};
        if (request.status !== 201 || typeof said.typed !== "string") {
          end(typeof said.detail === "string" ? said.detail : `${name} was not uploaded: the server answered ${request.status}.`);
          return;
        }
        end();
        const put = this.#paste.paste(`${said.typed} `);
        this.#paths.push(String(said.path));
        const kept = `${this.#paths.join(", ")} (kept until ${until(Number(said.expires), new Date())})`;
        toast(`Uploaded${put ? "" : ", but not put in"}: ${kept}`, { ms: 10_000 });
      });
      request.open("POST", urls.upload);
      request.responseType = "json";
      request.setRequestHeader("content-type", "application/octet-stream");
      request.send(file);
    });
  }
}
