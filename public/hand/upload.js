// Files on their way to the session's host: pasted, dropped or picked, one after another. Each one's path is then put in as a paste.
import { size } from "./words.js";

const OFF = "Uploads are off here: [upload] enabled = true in the server's configuration turns them on.";

// At most so much of a name is said.
const short = (name) => (name.length > 40 ? `${name.slice(0, 24)}…${name.slice(-12)}` : name);

function until(seconds) {
  const [at, today] = [new Date(seconds * 1000), new Date()];
  const day = at.toDateString() === today.toDateString() ? {} : { weekday: "short", day: "numeric", month: "short" };
  return at.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" });
}

export function upload(hand) {
  const { element, urls, uploadBytesMax, say } = hand;
  const queue = [];
  let running = false;
  let paths = []; // of this row of uploads

  const bad = (words) => say(words, { ms: 10_000, alert: true });
  const refusal = () => (hand.watches() ? "You are watching: nothing is uploaded." : urls.upload ? "" : OFF);

  // One file: gives what went wrong in words, or nothing.
  function send(file) {
    const name = short(file.name || "image");
    if (file.size > uploadBytesMax) {
      const [its, most] = [size(file.size), size(uploadBytesMax)];
      return `${name} is too large: ${its === most ? `${file.size} bytes` : its}. At most ${its === most ? `${uploadBytesMax} bytes` : most} can be uploaded here.`;
    }
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      const line = say(`Uploading ${name}`, { buttons: [["Cancel", () => request.abort()]] });
      const end = (words) => {
        line.end();
        done(words);
      };
      request.upload.addEventListener("progress", ({ loaded, total }) => line.update(`Uploading ${name} ${Math.floor((100 * loaded) / (total || 1))} %`));
      request.upload.addEventListener("load", () => line.update(`Uploading ${name}: writing it on the host`));
      request.addEventListener("abort", () => end(`Upload of ${name} cancelled.`));
      request.addEventListener("error", () => end(`${name} was not uploaded: the connection broke, or the file cannot be read.`));
      request.addEventListener("load", () => {
        const said = request.response ?? {};
        if (request.status !== 201 || typeof said.typed !== "string") {
          return end(typeof said.detail === "string" ? said.detail : `${name} was not uploaded: the server answered ${request.status}.`);
        }
        end();
        const put = hand.paste(`${said.typed} `);
        paths.push(String(said.path));
        say(`Uploaded${put ? "" : ", but not put in"}: ${paths.join(", ")} (kept until ${until(said.expires)})`, { ms: 10_000 });
      });
      request.open("POST", urls.upload);
      request.responseType = "json";
      request.setRequestHeader("content-type", "application/octet-stream");
      request.send(file);
    });
  }

  async function work() {
    running = true;
    paths = [];
    while (queue.length) {
      const wrong = await send(queue.shift());
      if (!wrong) continue;
      // The next file would take these words away before anybody read them; and who cancels means all.
      const left = queue.splice(0).length;
      bad(left ? `${wrong} ${left} more not sent.` : wrong);
    }
    running = false;
  }

  hand.upload = (files) => {
    const no = refusal();
    if (no) return void bad(no);
    queue.push(...files);
    if (!running) work();
  };

  // The entry "Attach a file" of the menu.
  hand.attach = () => {
    const no = refusal();
    if (no) return void bad(no);
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.addEventListener("change", () => {
      hand.upload([...input.files]);
      hand.terminal.focus();
    });
    input.click();
  };

  // A file is never what the browser goes to, wherever on the page it is dropped.
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  let inside = 0;
  const lit = (on) => document.body.classList.toggle("drops", on && !refusal());
  addEventListener("dragenter", (event) => { if (carries(event)) { inside++; lit(true); } });
  addEventListener("dragleave", (event) => { if (carries(event) && --inside <= 0) { inside = 0; lit(false); } });
  addEventListener("dragover", (event) => {
    if (!carries(event)) return void (element.contains(event.target) && event.preventDefault());
    event.preventDefault();
    event.dataTransfer.dropEffect = refusal() ? "none" : "copy";
  });
  addEventListener("drop", (event) => {
    inside = 0;
    lit(false);
    if (!carries(event)) {
      // Text, or a link, which the browser would follow: a paste.
      if (!element.contains(event.target)) return;
      event.preventDefault();
      hand.paste(event.dataTransfer.getData("text/plain"));
      return void hand.terminal.focus();
    }
    event.preventDefault();
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const folder = items.some((item) => item.webkitGetAsEntry?.()?.isDirectory);
    const files = items.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory).map((item) => item.getAsFile()).filter(Boolean);
    if (folder) bad("A folder cannot be uploaded, only its files.");
    if (files.length) hand.upload(files);
    hand.terminal.focus();
  });
}
