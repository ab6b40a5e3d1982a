// What comes out of the terminal into the person's clipboard: by the person's selection, or by a program (OSC 52), which may write and never read.
import { characters } from "./words.js";

const BYTES_MAX = 1 << 20; // 1 MiB, decoded
const TARGETS = /^[cps0-7]*$/; // tmux names none; every one of them means the clipboard here
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform);

// The text that OSC 52 carries: undefined if it is none, null if it is too long.
export function carried(base64) {
  if (!base64 || base64.length % 4) return undefined;
  if ((base64.length / 4) * 3 - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0) > BYTES_MAX) return null;
  if (!BASE64.test(base64)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  } catch { return undefined; }
}

// For pages of plain http from another machine, which have no navigator.clipboard.
function byCommand(text) {
  let taken = false;
  const take = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    event.clipboardData.setData("text/plain", text);
    taken = true;
  };
  document.addEventListener("copy", take, true);
  try { document.execCommand("copy"); } catch { /* words follow */ }
  if (!taken) { // Safari copies only what is selected
    const had = document.activeElement;
    const area = (had?.closest("dialog") ?? document.body).appendChild(document.createElement("textarea"));
    area.className = "aside";
    area.value = "x";
    area.select();
    try { document.execCommand("copy"); } catch { /* the same */ }
    area.remove();
    had?.focus({ preventScroll: true });
  }
  document.removeEventListener("copy", take, true);
  return taken;
}

// True: it is there.
export async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { return byCommand(text); }
}

export function clipboard(hand) {
  const { terminal, element, settings, say } = hand;
  let written = 0; // how often a program has written
  const refused = () => say("This browser does not let the page copy. The view of the terminal's text has it to select.", { ms: 8000, alert: true });
  const copied = (text) => say(`Copied ${characters(text)}`, { ms: 2500 });

  hand.copy = async (text) => ((await write(text)) ? copied(text) : refused());

  let offered; // the latest alone
  function offer(text) {
    offered?.end();
    const line = offered = say(`A program wants to copy ${characters(text)}.`, {
      buttons: [["Copy", () => { line.end(); hand.copy(text); }], ["Dismiss", () => line.end()]],
    });
  }

  terminal.parser.registerOscHandler(52, (data) => {
    const at = data.indexOf(";");
    const payload = data.slice(at + 1);
    // A question is answered with nothing; what a program says is for its owner, not for who watches.
    if (at < 0 || payload === "?" || hand.watches() || !TARGETS.test(data.slice(0, at))) return true;
    const text = carried(payload);
    if (text === null) say("A program wanted to copy more than 1 MiB: nothing was copied.", { ms: 6000, alert: true });
    if (!text) return true;
    written++;
    // Nothing is kept to be written later behind the person's back.
    if (!document.hasFocus()) offer(text);
    else write(text).then((there) => (there ? copied(text) : offer(text)));
    return true;
  });

  terminal.options.macOptionClickForcesSelection = true;
  const modifier = MAC ? "Option" : "Shift";

  element.addEventListener("keydown", (event) => {
    const { code, ctrlKey, shiftKey, altKey, metaKey } = event;
    const asks = code === "KeyC" && !altKey && ((ctrlKey && shiftKey && !metaKey) || (metaKey && !ctrlKey && !shiftKey));
    const insert = code === "Insert" && ctrlKey && !shiftKey && !altKey && !metaKey;
    if (!asks && !insert) return;
    if (insert && !terminal.hasSelection()) return; // a program's key
    event.preventDefault(); // or Ctrl+Shift+C opens the browser's own tools
    event.stopImmediatePropagation();
    if (terminal.hasSelection()) hand.copy(terminal.getSelection());
    else say(`Nothing is selected. ${drags() ? `Hold ${modifier} while you drag to select.` : "Drag to select."}`, { ms: 4000 });
  }, true);

  const drags = () => terminal.modes.mouseTrackingMode !== "none";
  // A drag that a program gets may look as if nothing could be selected: said once, unless that program copied what was dragged over.
  let from;
  element.addEventListener("mousedown", (event) => {
    from = settings.get("selectHint") && event.button === 0 && drags() && !(MAC ? event.altKey : event.shiftKey) ? event : undefined;
  }, true);
  addEventListener("mouseup", (event) => {
    const dragged = from && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > 20;
    from = undefined;
    if (!dragged) return;
    const before = written;
    setTimeout(() => {
      if (written !== before || !settings.get("selectHint")) return;
      settings.set("selectHint", false);
      const line = say(`The program in the terminal has the mouse. Hold ${modifier} while you drag to select, then ${MAC ? "Cmd+C" : "Ctrl+Shift+C"} to copy.`, {
        buttons: [["Got it", () => line.end()]],
      });
    }, 700);
  }, true);
}
