// Fingers on the terminal: a drag scrolls, a tap opens the keyboard, a long press opens the text to select in, two fingers set the size of the font.
// And the wheel with Shift. Nothing of it ever becomes an arrow key: a program would take that for a person's.
import type { Context } from "./context";
import type { TextView } from "./text";

const PRESS_MS = 500;
const SLACK_PX = 10; // a finger is never quite still
// tmux scrolls five lines a report, vim three: so many rows of a drag are one report.
const ROWS_A_REPORT = 3;
const FRICTION_PER_MS = 0.004;
const SLOW_PX_PER_MS = 0.05;

// What the one finger did so far.
interface Finger {
  readonly x: number;
  readonly y: number;
  lastY: number;
  at: number;
  px: number;
  // Pixels that are reported, and in how many reports.
  reported: number;
  reports: number;
  // Pixels a millisecond.
  speed: number;
  drags: boolean;
  pressed: boolean;
  timer?: ReturnType<typeof setTimeout>;
}

export class Touch {
  readonly #context: Context;
  readonly #text: TextView;
  #finger?: Finger;
  #pinch?: { from: number; px: number }; // the distance of two fingers, and the font's size when they came
  #glide = 0;

  constructor(context: Context, text: TextView) {
    this.#context = context;
    this.#text = text;
    const { element, terminal } = context;
    element.addEventListener("touchstart", (event) => this.#start(event), { passive: true });
    element.addEventListener("touchmove", (event) => this.#moved(event), { passive: false });
    element.addEventListener("touchend", (event) => this.#end(event), { passive: false });
    element.addEventListener("touchcancel", () => {
      clearTimeout(this.#finger?.timer);
      this.#finger = this.#pinch = undefined;
    });
    // A long press is ours: no menu of the browser's over it.
    element.addEventListener("contextmenu", (event) => {
      if (this.#finger) event.preventDefault();
    });
    const wheel = (event: WheelEvent) => {
      // Some browsers turn the wheel sideways for Shift.
      if (!event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      if ((event.deltaY || event.deltaX) < 0) text.open({ fromBottom: terminal.rows });
    };
    element.addEventListener("wheel", wheel, { capture: true, passive: false });
  }

  get #screen(): HTMLElement {
    return this.#context.element.querySelector<HTMLElement>(".xterm-screen") ?? this.#context.element;
  }

  get #rowPx(): number {
    return this.#screen.clientHeight / this.#context.terminal.rows;
  }

  get #mouse(): boolean {
    return this.#context.terminal.modes.mouseTrackingMode !== "none";
  }

  // Up, towards the history, is negative: as the wheel has it.
  #report(up: boolean, x: number, y: number) {
    const how = { deltaY: up ? -1 : 1, deltaMode: WheelEvent.DOM_DELTA_LINE, clientX: x, clientY: y, bubbles: true, cancelable: true };
    this.#screen.dispatchEvent(new WheelEvent("wheel", how));
  }

  #drag(finger: Finger, px: number, x: number, y: number) {
    finger.px += px;
    const [first, step] = [this.#rowPx, this.#rowPx * ROWS_A_REPORT];
    // The first report after one row: a drag answers at once.
    while (Math.abs(finger.px - finger.reported) >= (finger.reports ? step : first)) {
      const up = finger.px > finger.reported;
      finger.reported += (up ? 1 : -1) * (finger.reports ? step : first);
      finger.reports += 1;
      if (this.#mouse) this.#report(up, x, y);
    }
  }

  #start(event: TouchEvent) {
    cancelAnimationFrame(this.#glide);
    clearTimeout(this.#finger?.timer);
    const [one, other] = event.touches;
    if (one && other && event.touches.length === 2) {
      this.#pinch = { from: distance(one, other), px: this.#context.settings.get("fontPx") };
      this.#finger = undefined;
      return;
    }
    if (!one || other) return;
    const { clientX: x, clientY: y } = one;
    const own: Finger = { x, y, lastY: y, at: event.timeStamp, px: 0, reported: 0, reports: 0, speed: 0, drags: false, pressed: false };
    this.#finger = own;
    own.timer = setTimeout(() => {
      own.pressed = true;
      this.#text.open({ fromBottom: 0 });
    }, PRESS_MS);
  }

  #moved(event: TouchEvent) {
    event.preventDefault();
    const { settings } = this.#context;
    const [one, other] = event.touches;
    if (one && other && event.touches.length === 2 && this.#pinch) {
      const px = Math.round((this.#pinch.px * distance(one, other)) / this.#pinch.from);
      if (px !== settings.get("fontPx")) settings.set("fontPx", px);
      return;
    }
    const finger = this.#finger;
    if (!finger || finger.pressed || !one) return;
    const { clientX: x, clientY: y } = one;
    if (!finger.drags && Math.hypot(x - finger.x, y - finger.y) < SLACK_PX) return;
    clearTimeout(finger.timer);
    finger.drags = true;
    const px = y - finger.lastY;
    const ms = Math.max(1, event.timeStamp - finger.at);
    finger.speed = 0.6 * (px / ms) + 0.4 * finger.speed;
    [finger.lastY, finger.at] = [y, event.timeStamp];
    this.#drag(finger, px, x, y);
  }

  #end(event: TouchEvent) {
    if (event.touches.length < 2) this.#pinch = undefined;
    const own = this.#finger;
    if (!own) {
      event.preventDefault();
      return;
    }
    clearTimeout(own.timer);
    if (!own.drags) {
      // A tap is also a click, which a program with a mouse gets from xterm.js.
      if (own.pressed) event.preventDefault();
      else if (!this.#context.watching) this.#context.terminal.focus();
      this.#finger = undefined;
      return;
    }
    event.preventDefault();
    if (event.timeStamp - own.at > 50) own.speed = 0; // it stood still before it left
    if (this.#mouse) {
      this.#slide(own);
      return;
    }
    // tmux keeps its history to itself: it is in the text, at the place that the finger went to.
    const rows = Math.round((own.px + own.speed / FRICTION_PER_MS) / this.#rowPx);
    this.#finger = undefined;
    if (rows >= 1) this.#text.open({ fromBottom: rows });
  }

  // What was dragged goes on by itself, slower and slower, until it is touched again.
  #slide(own: Finger) {
    let before = performance.now();
    const go = (now: number) => {
      const ms = now - before;
      before = now;
      own.speed *= Math.exp(-FRICTION_PER_MS * ms);
      if (this.#finger !== own || Math.abs(own.speed) < SLOW_PX_PER_MS) return;
      this.#drag(own, own.speed * ms, own.x, own.lastY);
      this.#glide = requestAnimationFrame(go);
    };
    this.#glide = requestAnimationFrame(go);
  }
}

const distance = (a: Point, b: Point): number => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
type Point = { clientX: number; clientY: number };
