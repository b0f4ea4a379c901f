import { CSPProvider } from '@base-ui/react/csp-provider';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startTheme } from '../theme/theme.ts';
import { App } from './App.tsx';
import { startFeed } from './station-store.ts';

/** Shows the station in `#root`. `window.muster` must be there. */
export function mountStation(): void {
  const place = document.getElementById('root');
  if (place === null) throw new Error('The page has no #root element.');
  startTheme();
  startFeed();
  createRoot(place).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <App />
      </CSPProvider>
    </StrictMode>,
  );
}
