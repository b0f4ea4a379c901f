/** Distance of what opens from the top bar, px. The line about certificates stands below the bar and stays free. */
export function belowHead(): number {
  return document.documentElement.dataset.unchecked === undefined ? 4 : 30;
}
