// The page of targets. It asks for what is to be shown every few seconds and changes only what has changed.
import { byId, element, KeyedParts, keepingFocus, setAttribute, setText } from './dom.ts';
import { counted, formatCount, formatSpan } from './format.ts';
import { type JobActions, JobPart } from './job-part.ts';
import { ListPart } from './list-part.ts';
import { MECHANISM_COLUMNS, mechanismRow, REMOTE_COLUMNS, remoteRow } from './list-rows.ts';
import { HEALTHS, type JobOverview, type Overview } from './overview.ts';
import { PageState, toggle } from './page-state.ts';
import { Polling } from './polling.ts';
import { HEALTH_WORDS } from './target-part.ts';

const TYPING_MS = 150;

const state = PageState.of(location.search);
const filter = byId('filter');
if (!(filter instanceof HTMLInputElement)) throw new Error('the filter is no input');
const [main, alerts, live, facts, matches] = [
  byId('main'),
  byId('alerts'),
  byId('live'),
  byId('facts'),
  byId('matches'),
];

let latest: Overview | undefined;
/** The server's clock less ours. */
let clockAheadMs = 0;
let goneSinceMs: number | undefined;
let goneMessage = '';

const polling = new Polling({
  query: () => state.query,
  onOverview(overview) {
    latest = overview;
    clockAheadMs = overview.nowMs - Date.now();
    goneSinceMs = undefined;
    render();
  },
  onGone(message) {
    goneSinceMs ??= Date.now();
    goneMessage = message;
    render();
  },
});

const actions: JobActions = {
  onOpen: (job, isOpen) => change(() => state.setOpen(job, isOpen)),
  onMore: (job) => change(() => state.more.set(job, (state.more.get(job) ?? 0) + 1)),
  onDropped: (job) => change(() => toggle(state.dropped, job)),
  onDetails: (key) => change(() => toggle(state.details, key)),
  isFiltered: () => state.isFiltered,
  isDroppedShown: (job) => state.dropped.has(job),
};

function change(what: () => void): void {
  what();
  history.replaceState(null, '', `${location.pathname}${state.search}`);
  polling.askNow();
}

const remotes = new ListPart('Remotes', REMOTE_COLUMNS);
const mechanisms = new ListPart('Discovery', MECHANISM_COLUMNS);
const jobsRoot = element('div', { id: 'jobs' });
const jobs = new KeyedParts<JobOverview>(
  jobsRoot,
  ({ name }) => name,
  (job) => new JobPart(job, actions),
);
const empty = element('p', { class: 'empty' });
const healthButtons = HEALTHS.map((health) => {
  const count = element('span', { class: 'number' }, '–');
  const button = element(
    'button',
    { type: 'button', class: 'health', 'data-health': health, 'aria-pressed': 'false' },
    HEALTH_WORDS[health],
    ' ',
    count,
  );
  button.addEventListener('click', () => change(() => toggle(state.healths, health)));
  return { health, button, count };
});

function render(): void {
  keepingFocus(() => {
    if (latest) renderOverview(latest);
    renderAlerts();
    tick();
  });
}

function renderOverview(overview: Overview): void {
  const { config, version, counts } = overview;
  remotes.update(overview.remotes.map(remoteRow));
  jobs.update(overview.jobs);
  for (const { health, button, count } of healthButtons) {
    setText(count, formatCount(counts[health]));
    setAttribute(button, 'aria-pressed', String(state.healths.has(health)));
    setAttribute(button, 'data-none', counts[health] === 0);
  }
  const all = HEALTHS.reduce((sum, health) => sum + counts[health], 0);
  const matching = overview.jobs.reduce((sum, job) => sum + job.matching, 0);
  setText(matches, state.isFiltered ? `${formatCount(matching)} of ${counted(all, 'target')}` : counted(all, 'target'));
  setText(facts, [`v${version}`, config.path ?? 'no config file'].join(' · '));
  const said = whyNothing(overview, matching);
  empty.hidden = said === undefined;
  setText(empty, said ?? '');
}

function whyNothing({ jobs: all }: Overview, matching: number): string | undefined {
  if (all.length === 0) return 'The config has no job: there is nothing to scrape.';
  if (matching === 0 && state.isFiltered) return 'No target matches. Esc in the filter shows all.';
  return undefined;
}

function renderAlerts(): void {
  const shown: string[] = [];
  if (goneSinceMs !== undefined) {
    const since = new Date(goneSinceMs).toLocaleTimeString();
    shown.push(
      `pyro-pull does not answer since ${since} (${goneMessage}); asked again and again.${latest ? ' Below is what it said last.' : ''}`,
    );
  }
  if (latest?.state === 'stopping') shown.push('pyro-pull is stopping: scrapes under way may end, no new ones start.');
  const { error } = latest?.config ?? {};
  if (error !== undefined) shown.push(`The config file was not taken over, the old one stays in force.\n${error}`);
  if (JSON.stringify(shown) !== alerts.dataset['shown']) {
    alerts.dataset['shown'] = JSON.stringify(shown);
    alerts.replaceChildren(...shown.map(alertOf));
  }
  setAttribute(document.body, 'data-gone', goneSinceMs !== undefined);
}

/** The faults of a config are one a line. */
function alertOf(text: string): HTMLElement {
  const [first = '', ...others] = text.split('\n');
  return element('p', { class: 'alert', role: 'alert' }, first, ...others.flatMap((line) => [element('br'), line]));
}

/** What changes with time alone. */
function tick(): void {
  const nowMs = Date.now() + clockAheadMs;
  setAttribute(live, 'data-state', goneSinceMs === undefined ? latest?.state : 'gone');
  setText(live, liveText(nowMs));
  if (goneSinceMs !== undefined) return; // times that go on would look like news
  mechanisms.update((latest?.mechanisms ?? []).map((one) => mechanismRow(one, nowMs)));
  for (const part of jobs.parts) if (part instanceof JobPart) part.tick(nowMs);
}

function liveText(nowMs: number): string {
  if (goneSinceMs !== undefined) return 'no answer';
  if (!latest) return 'loading';
  return latest.state === 'running' ? `running for ${formatSpan(nowMs - latest.startedAtMs)}` : latest.state;
}

function listenToKeys(input: HTMLInputElement): void {
  let typing: number | undefined;
  input.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => change(() => setFilter(input.value)), TYPING_MS);
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === input) {
      if (event.key === 'Escape') clearFilter(input, event);
      else if (event.key === 'ArrowDown') moveFocus(1, event);
      return;
    }
    if (event.key === '/') {
      event.preventDefault();
      input.focus();
      input.select();
    } else if (event.key === 'ArrowDown' || event.key === 'j') moveFocus(1, event);
    else if (event.key === 'ArrowUp' || event.key === 'k') moveFocus(-1, event);
  });
}

function setFilter(text: string): void {
  state.filter = text;
  state.more.clear();
}

/** The first Escape shows all, the second leaves the filter. */
function clearFilter(input: HTMLInputElement, event: KeyboardEvent): void {
  event.preventDefault();
  if (input.value === '' && !state.isFiltered) {
    input.blur();
    return;
  }
  input.value = '';
  change(() => {
    setFilter('');
    state.healths.clear();
  });
}

/** From one heading or target to the next; with the focus elsewhere the keys scroll, as ever. */
function moveFocus(step: 1 | -1, event: KeyboardEvent): void {
  const toggles = [...main.querySelectorAll<HTMLElement>('button.toggle')].filter((one) => one.offsetParent !== null);
  const focused = document.activeElement;
  const here = focused instanceof HTMLElement ? toggles.indexOf(focused) : -1;
  const isLetter = event.key === 'j' || event.key === 'k';
  if (here === -1 && event.target !== filter && !isLetter) return;
  event.preventDefault();
  if (here + step < 0) filter.focus();
  else toggles[Math.min(here + step, toggles.length - 1)]?.focus();
}

filter.value = state.filter;
byId('healths').append(...healthButtons.map(({ button }) => button));
remotes.update([]);
mechanisms.update([]);
empty.textContent = 'Loading …';
main.append(empty, remotes.root, jobsRoot, mechanisms.root);
listenToKeys(filter);
polling.askNow();
setInterval(tick, 1000);
