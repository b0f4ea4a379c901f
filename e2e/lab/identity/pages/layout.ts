import { randomBytes } from 'node:crypto';
import type { Reply } from '../http-exchange.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text made safe for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => escapes[char] ?? char);
}

export interface Page {
  /** Names the step for programs that walk the pages; see operator-walk.ts. */
  readonly step: 'code' | 'operator' | 'decision' | 'done' | 'signed-out' | 'problem';
  readonly title: string;
  /** Already escaped HTML. */
  readonly content: string;
  readonly status?: number;
  readonly cookie?: string | undefined;
}

/** A whole page that needs no script and may load nothing from anywhere. */
export function renderPage(page: Page): Reply {
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return {
    status: page.status ?? 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      ...(page.cookie === undefined ? {} : { 'set-cookie': page.cookie }),
    },
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>${escapeHtml(page.title)} · Muster Lab</title>
<style nonce="${nonce}">${styleSheet}</style>
</head>
<body>
<main data-step="${page.step}">
<p class="place"><span class="mark" aria-hidden="true"></span>Muster Lab<small>rehearsal identity provider</small></p>
<h1>${escapeHtml(page.title)}</h1>
${page.content}
</main>
<p class="note">Everything here runs on this computer. Nothing is sent anywhere else.</p>
</body>
</html>
`,
  };
}

const styleSheet = `
:root {
  --back: #101316; --card: #15181b; --well: #0b0d0f; --edge: #2f363d; --control: #67737f;
  --text: #eceff1; --dim: #aeb8c1; --accent: #62c6f5; --on-accent: #04202d; --focus: #9adcfb;
  --good: #56d3a0; --bad: #ff947c; --bad-back: #3b1811; --bad-edge: #94402f; --picked: #1b2a33;
}
@media (prefers-color-scheme: light) {
  :root {
    --back: #fcfdfd; --card: #f5f6f7; --well: #ffffff; --edge: #d0d6db; --control: #7f8a94;
    --text: #14181c; --dim: #434d56; --accent: #00659c; --on-accent: #ffffff; --focus: #0079bd;
    --good: #0a6e50; --bad: #ad2d10; --bad-back: #fce7e1; --bad-edge: #e9a592; --picked: #e4eff6;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center;
  justify-content: center; gap: 16px; padding: 24px; background: var(--back); color: var(--text);
  font: 15px/1.45 "IBM Plex Sans", system-ui, sans-serif;
}
main {
  width: 100%; max-width: 440px; padding: 32px; background: var(--card);
  border: 1px solid var(--edge); border-radius: 6px;
}
.place { display: flex; align-items: center; gap: 8px; margin: 0 0 24px; font-weight: 600; }
.place small { margin-left: auto; font-weight: 400; font-size: 12px; color: var(--dim); }
.mark { width: 10px; height: 10px; border-radius: 2px; background: var(--accent); }
h1 { margin: 0 0 8px; font-size: 22px; line-height: 1.2; font-weight: 600; }
p { margin: 0 0 16px; color: var(--dim); }
form { display: grid; gap: 16px; }
label { display: grid; gap: 4px; font-size: 13px; color: var(--dim); }
input[type=text], input[type=password] {
  width: 100%; height: 40px; padding: 0 12px; font: inherit; color: var(--text);
  background: var(--well); border: 1px solid var(--control); border-radius: 4px;
}
input[name=user_code] {
  height: 56px; text-align: center; text-transform: uppercase; letter-spacing: .14em;
  font: 600 24px/1 "JetBrains Mono", ui-monospace, monospace;
}
fieldset { margin: 0; padding: 0; border: 0; display: grid; gap: 8px; }
legend { padding: 0; margin-bottom: 4px; font-size: 13px; color: var(--dim); }
.person {
  grid-template-columns: auto 1fr; align-items: center; column-gap: 12px; padding: 10px 12px;
  border: 1px solid var(--edge); border-radius: 4px; cursor: pointer;
}
.person:has(input:checked) { background: var(--picked); border-color: var(--accent); }
.person b { display: block; font-size: 15px; font-weight: 600; color: var(--text); }
input[type=radio] { accent-color: var(--accent); margin: 0; }
button {
  height: 40px; padding: 0 16px; font: inherit; font-weight: 600; border-radius: 4px; cursor: pointer;
  color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent);
}
button.quiet { color: var(--text); background: transparent; border-color: var(--control); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.choices { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
code, .code { font-family: "JetBrains Mono", ui-monospace, monospace; color: var(--text); }
.code {
  display: block; margin: 0 0 16px; padding: 14px; text-align: center; font-size: 24px; font-weight: 600;
  letter-spacing: .14em; background: var(--well); border: 1px solid var(--edge); border-radius: 4px;
}
ul { margin: 0 0 16px; padding-left: 20px; color: var(--dim); font-size: 13px; }
a { color: var(--accent); }
.wrong {
  padding: 10px 12px; color: var(--bad); background: var(--bad-back);
  border: 1px solid var(--bad-edge); border-radius: 4px;
}
.good { color: var(--good); font-weight: 600; }
.note { margin: 0; font-size: 12px; }
`;
