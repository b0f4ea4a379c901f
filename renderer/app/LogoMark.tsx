/** The mark of Muster: devices lined up between two posts, one of them live. */
export function LogoMark() {
  return (
    <svg width="18" height="16" viewBox="0 0 18 16" aria-hidden="true" className="forced-mark text-ink-1">
      <rect x="0.4" y="0.4" width="3" height="15.2" rx=".4" fill="currentColor" />
      <rect x="5.4" y="0.4" width="2.6" height="6.8" rx=".3" fill="currentColor" />
      <rect x="10" y="0.4" width="2.6" height="6.8" rx=".3" fill="currentColor" />
      <rect x="14.6" y="0.4" width="3" height="15.2" rx=".4" fill="currentColor" />
      <rect x="5.4" y="9.8" width="7.2" height="2.6" rx=".3" className="fill-accent" />
    </svg>
  );
}
