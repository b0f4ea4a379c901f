import type { Reply } from '../http-exchange.ts';
import { type LabOperator, labPassword, labPeople } from '../people.ts';
import { escapeHtml, renderPage } from './layout.ts';

const csrfField = (csrf: string): string => `<input type="hidden" name="csrf" value="${escapeHtml(csrf)}">`;
const problem = (text: string | undefined): string =>
  text === undefined ? '' : `<p class="wrong" role="alert">${escapeHtml(text)}</p>`;

interface FormPage {
  readonly csrf: string;
  readonly wrong?: string | undefined;
  readonly cookie?: string | undefined;
}

export function codePage(page: FormPage & { readonly userCode: string }): Reply {
  const prefilled = page.userCode !== '';
  return renderPage({
    step: 'code',
    title: prefilled ? 'Is this the code on your station?' : 'Enter the code from your station',
    status: page.wrong === undefined ? 200 : 422,
    cookie: page.cookie,
    content: `<p>Go on only when the station in front of you shows this same code.</p>
${problem(page.wrong)}
<form method="post" action="/device">
${csrfField(page.csrf)}
<label>Code<input type="text" name="user_code" value="${escapeHtml(page.userCode)}" placeholder="XXXX-XXXX"
 required maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false"${prefilled ? '' : ' autofocus'}></label>
<button type="submit"${prefilled ? ' autofocus' : ''}>Continue</button>
</form>`,
  });
}

export function operatorPage(page: FormPage & { readonly loginName: string }): Reply {
  const people = Object.values(labPeople)
    .map((person) => personChoice(person, page.loginName))
    .join('\n');
  return renderPage({
    step: 'operator',
    title: 'Who is signing in?',
    status: page.wrong === undefined ? 200 : 422,
    content: `${problem(page.wrong)}
<form method="post" action="/device/operator">
${csrfField(page.csrf)}
<fieldset><legend>Operator</legend>
${people}
</fieldset>
<label>Password<input type="password" name="password" value="${escapeHtml(labPassword)}" required maxlength="200"
 autocomplete="off"></label>
<p>This is a lab: the password of everybody is <code>${escapeHtml(labPassword)}</code></p>
<button type="submit" autofocus>Sign in</button>
</form>`,
  });
}

function personChoice(person: LabOperator, chosen: string): string {
  const checked = person.loginName === chosen ? ' checked' : '';
  return `<label class="person"><input type="radio" name="operator" value="${escapeHtml(person.loginName)}"${checked} required>
<span><b>${escapeHtml(person.displayName)}</b>${escapeHtml(person.about)}</span></label>`;
}

export function decisionPage(
  page: FormPage & {
    readonly userCode: string;
    readonly operator: string;
    readonly clientName: string;
    readonly scopes: readonly string[];
  },
): Reply {
  const asked = page.scopes.map((scope) => `<li>${escapeHtml(explainScope(scope))}</li>`).join('\n');
  return renderPage({
    step: 'decision',
    title: `Let ${page.clientName} act for you?`,
    content: `<p>Signed in as ${escapeHtml(page.operator)}. <a href="/device/operator">Somebody else?</a></p>
${problem(page.wrong)}
<span class="code">${escapeHtml(page.userCode)}</span>
<ul>
${asked}
</ul>
<form method="post" action="/device/decision">
${csrfField(page.csrf)}
<div class="choices">
<button class="quiet" type="submit" name="decision" value="deny">Deny</button>
<button type="submit" name="decision" value="approve">Approve</button>
</div>
</form>`,
  });
}

export function donePage(approved: boolean): Reply {
  return renderPage({
    step: 'done',
    title: approved ? 'Signed in' : 'Denied',
    content: approved
      ? '<p class="good">The station has what it needs.</p><p>You can close this page.</p>'
      : '<p>The station was told that you said no. You can close this page.</p>',
  });
}

export function problemPage(title: string, text: string, status = 400): Reply {
  return renderPage({
    step: 'problem',
    title,
    status,
    content: `${problem(text)}<p><a href="/device">Enter a code</a></p>`,
  });
}

export function signedOutPage(cookie: string): Reply {
  return renderPage({
    step: 'signed-out',
    title: 'Signed out',
    cookie,
    content: '<p>This browser is no longer signed in to the lab.</p>',
  });
}

function explainScope(scope: string): string {
  if (scope === 'openid') return 'Know who you are';
  if (scope === 'profile') return 'See your name';
  if (scope === 'email') return 'See your e-mail address';
  if (scope === 'offline_access') return 'Stay signed in until you sign out';
  if (scope.endsWith(':id:zitadel:aud')) return 'Manage devices in this organisation for you';
  if (scope.endsWith(':aud')) return `Be accepted by project ${scope.split(':').at(-2)}`;
  if (scope.endsWith(':roles')) return 'See your roles';
  return scope;
}
