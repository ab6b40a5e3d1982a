// Fingers on the terminal: a drag scrolls, a tap opens the keyboard, a long press opens the text to select in, two fingers set the size of the font.
// And the wheel with Shift. Nothing of it ever becomes an arrow key: a program would take that for a person's.
const PRESS_MS = 500;
const SLACK_PX = 10; // a finger is never quite still
// tmux scrolls five lines a report, vim three: so many rows of a drag are one report.
const ROWS_A_REPORT = 3;
const FRICTION_PER_MS = 0.004;
const SLOW_PX_PER_MS = 0.05;

export function touch(hand) {
  const { terminal, element, settings } = hand;
  const rowPx = () => element.querySelector(".xterm-screen").clientHeight / terminal.rows;
  const mouse = () => terminal.modes.mouseTrackingMode !== "none";
  const text = (fromBottom) => hand.text.open({ fromBottom });

  // Up, towards the history, is negative: as the wheel has it.
  const report = (up, x, y) => element.querySelector(".xterm-screen").dispatchEvent(
    new WheelEvent("wheel", { deltaY: up ? -1 : 1, deltaMode: WheelEvent.DOM_DELTA_LINE, clientX: x, clientY: y, bubbles: true, cancelable: true }),
  );

  let finger; // what the one finger did so far
  let pinch; // the distance of two, and the font's size when they came
  let glide;
  const distance = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);

  const move = (px, x, y) => {
    finger.px += px;
    const step = rowPx() * ROWS_A_REPORT;
    // The first report after one row: a drag answers at once.
    while (Math.abs(finger.px - finger.reported) >= (finger.reports ? step : rowPx())) {
      const up = finger.px > finger.reported;
      finger.reported += (up ? 1 : -1) * (finger.reports ? step : rowPx());
      finger.reports += 1;
      if (mouse()) report(up, x, y);
    }
  };

  element.addEventListener("touchstart", (event) => {
    cancelAnimationFrame(glide);
    clearTimeout(finger?.timer);
    if (event.touches.length === 2) {
      pinch = { from: distance(event.touches), px: settings.get("fontPx") };
      finger = undefined;
      return;
    }
    if (event.touches.length !== 1) return;
    const [{ clientX: x, clientY: y }] = event.touches;
    finger = { x, y, lastY: y, at: event.timeStamp, px: 0, reported: 0, reports: 0, speed: 0, drags: false, pressed: false };
    const own = finger;
    finger.timer = setTimeout(() => {
      own.pressed = true;
      text(0);
    }, PRESS_MS);
  }, { passive: true });

  element.addEventListener("touchmove", (event) => {
    event.preventDefault();
    if (event.touches.length === 2 && pinch) {
      const px = Math.round((pinch.px * distance(event.touches)) / pinch.from);
      if (px !== settings.get("fontPx")) settings.set("fontPx", px);
      return;
    }
    if (!finger || finger.pressed) return;
    const [{ clientX: x, clientY: y }] = event.touches;
    if (!finger.drags && Math.hypot(x - finger.x, y - finger.y) < SLACK_PX) return;
    clearTimeout(finger.timer);
    finger.drags = true;
    const px = y - finger.lastY;
    const ms = Math.max(1, event.timeStamp - finger.at);
    finger.speed = 0.6 * (px / ms) + 0.4 * finger.speed;
    [finger.lastY, finger.at] = [y, event.timeStamp];
    move(px, x, y);
  }, { passive: false });

  element.addEventListener("touchend", (event) => {
    if (event.touches.length < 2) pinch = undefined;
    if (!finger) return void event.preventDefault();
    clearTimeout(finger.timer);
    const own = finger;
    if (!own.drags) {
      // A tap is also a click, which a program with a mouse gets from xterm.js.
      if (own.pressed) event.preventDefault();
      else if (!hand.watches()) terminal.focus();
      finger = undefined;
      return;
    }
    event.preventDefault();
    if (event.timeStamp - own.at > 50) own.speed = 0; // it stood still before it left
    if (!mouse()) {
      // tmux keeps its history to itself: it is in the text, at the place that the finger went to.
      const rows = Math.round((own.px + own.speed / FRICTION_PER_MS) / rowPx());
      finger = undefined;
      if (rows >= 1) text(rows);
      return;
    }
    let before = performance.now();
    const go = (now) => {
      const ms = now - before;
      before = now;
      own.speed *= Math.exp(-FRICTION_PER_MS * ms);
      if (finger !== own || Math.abs(own.speed) < SLOW_PX_PER_MS) return;
      move(own.speed * ms, own.x, own.lastY);
      glide = requestAnimationFrame(go);
    };
    glide = requestAnimationFrame(go);
  }, { passive: false });
  element.addEventListener("touchcancel", () => {
    clearTimeout(finger?.timer);
    finger = pinch = undefined;
  });
  // A long press is ours: no menu of the browser's over it.
  element.addEventListener("contextmenu", (event) => { if (finger) event.preventDefault(); });

  element.addEventListener("wheel", (event) => {
    // Some browsers turn the wheel sideways for Shift.
    if (!event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    if ((event.deltaY || event.deltaX) < 0) text(terminal.rows);
  }, { capture: true, passive: false });
}
