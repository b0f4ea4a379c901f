/** A hidden window paints no frames; its state is still kept up to date. */
const HIDDEN_FRAME_MS = 250;

/** Runs `paint` once: before the next frame, or soon when the window is hidden. */
export function nextFrame(paint: () => void): void {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    paint();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_FRAME_MS);
}
