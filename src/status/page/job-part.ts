import { element, KeyedParts, type Part, setAttribute, setText } from './dom.ts';
import { counted, formatCount } from './format.ts';
import { HEALTHS, type JobOverview, type Problem } from './overview.ts';
import {
  COLUMNS,
  HEALTH_WORDS,
  labelsList,
  linesOf,
  NUMBER_COLUMNS,
  type TargetLine,
  TargetPart,
} from './target-part.ts';

/** What a user does to a job. */
export interface JobActions {
  onOpen(job: string, isOpen: boolean): void;
  onMore(job: string): void;
  onDropped(job: string): void;
  onDetails(key: string): void;
  readonly isFiltered: () => boolean;
  readonly isDroppedShown: (job: string) => boolean;
}

/** A job: a heading that folds it, its targets, and those that were dropped. */
export class JobPart implements Part<JobOverview> {
  readonly root: HTMLElement;
  readonly #actions: JobActions;
  readonly #toggle: HTMLButtonElement;
  readonly #counts = element('span', { class: 'counts' });
  readonly #dropToggle: HTMLButtonElement;
  readonly #notes = element('div', { class: 'notes' });
  readonly #table = element(
    'table',
    {},
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        ...COLUMNS.map((name) => element('th', { scope: 'col', class: NUMBER_COLUMNS.has(name) && 'number' }, name)),
      ),
    ),
  );
  readonly #targets: KeyedParts<TargetLine>;
  readonly #body: HTMLElement;
  readonly #more: HTMLButtonElement;
  readonly #dropped = element('div', { class: 'dropped' });
  #isOpen = false;
  #shownCounts = '';
  #shownNotes = '';
  #shownDropped = '';

  constructor({ name }: JobOverview, actions: JobActions) {
    this.#actions = actions;
    this.#toggle = element('button', { type: 'button', class: 'toggle' }, element('span', { class: 'job-name' }, name));
    this.#toggle.addEventListener('click', () => actions.onOpen(name, !this.#isOpen));
    this.#dropToggle = element('button', { type: 'button', class: 'quiet' });
    this.#dropToggle.addEventListener('click', () => actions.onDropped(name));
    this.#more = element('button', { type: 'button', class: 'more' });
    this.#more.addEventListener('click', () => actions.onMore(name));
    this.#targets = new KeyedParts(
      this.#table,
      ({ row }) => row.key,
      (line) => new TargetPart(line, actions.onDetails),
    );
    this.#body = element('div', { class: 'body' }, this.#table, this.#more);
    this.root = element(
      'section',
      { class: 'job', 'aria-label': `Job ${name}` },
      element('div', { class: 'heading' }, element('h2', {}, this.#toggle), this.#counts, this.#dropToggle),
      this.#notes,
      this.#body,
      this.#dropped,
    );
  }

  update(job: JobOverview): void {
    this.#isOpen = job.isOpen;
    this.root.hidden = job.matching === 0 && this.#actions.isFiltered();
    setAttribute(this.#toggle, 'aria-expanded', String(job.isOpen));
    this.#updateCounts(job);
    this.#updateNotes(job);
    this.#targets.update(linesOf(job.rows));
    this.#table.hidden = job.rows.length === 0;
    this.#body.hidden = !job.isOpen;
    const left = job.matching - job.rows.length;
    this.#more.hidden = left === 0 || !job.isOpen;
    setText(this.#more, `${formatCount(job.rows.length)} of ${counted(job.matching, 'target')} shown: show more`);
    this.#updateDropped(job);
  }

  tick(nowMs: number): void {
    if (!this.#isOpen) return;
    for (const part of this.#targets.parts) if (part instanceof TargetPart) part.tick(nowMs);
  }

  #updateCounts({ counts, matching }: JobOverview): void {
    const isFiltered = this.#actions.isFiltered();
    const text = JSON.stringify([counts, isFiltered && matching]);
    if (text === this.#shownCounts) return;
    this.#shownCounts = text;
    const shown = HEALTHS.filter((health) => counts[health] > 0).map((health) =>
      element(
        'span',
        { class: 'count', 'data-health': health },
        `${formatCount(counts[health])} ${HEALTH_WORDS[health]}`,
      ),
    );
    const match = isFiltered ? element('span', { class: 'count' }, `${formatCount(matching)} match`) : undefined;
    this.#counts.replaceChildren(...(match ? [match, ...shown] : shown));
  }

  #updateNotes(job: JobOverview): void {
    const notes: HTMLElement[] = [...job.rejected.map((problem) => noteOf('Not scraped', problem))];
    if (job.duplicates > 0) {
      const text = `${counted(job.duplicates, 'target')} the same as another one, scraped once`;
      notes.push(element('p', { class: 'note quiet' }, text));
    }
    const said = whyEmpty(job);
    if (said !== undefined && job.isOpen) notes.push(element('p', { class: 'note quiet' }, said));
    const text = notes.map(({ textContent, className }) => `${className}${textContent}`).join('\n');
    if (text === this.#shownNotes) return;
    this.#shownNotes = text;
    this.#notes.replaceChildren(...notes);
  }

  #updateDropped({ name, droppedCount, dropped }: JobOverview): void {
    const isShown = this.#actions.isDroppedShown(name);
    this.#dropToggle.hidden = droppedCount === 0;
    setText(this.#dropToggle, `${formatCount(droppedCount)} dropped`);
    setAttribute(this.#dropToggle, 'aria-expanded', String(isShown));
    this.#dropped.hidden = !isShown || droppedCount === 0;
    const text = JSON.stringify(dropped);
    if (text === this.#shownDropped) return;
    this.#shownDropped = text;
    const rows = dropped.map(({ reason, labels }) =>
      element('tr', {}, element('td', { class: 'reason' }, reason), element('td', {}, labelsList(labels))),
    );
    const head = element(
      'tr',
      {},
      element('th', { scope: 'col' }, 'Dropped by'),
      element('th', { scope: 'col' }, 'Labels before relabelling'),
    );
    const left = droppedCount - dropped.length;
    this.#dropped.replaceChildren(
      element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)),
      left > 0 ? element('p', { class: 'note quiet' }, `and ${formatCount(left)} more`) : '',
    );
  }
}

function noteOf(what: string, { message, hint }: Problem): HTMLElement {
  return element(
    'p',
    { class: 'note bad' },
    element('span', { class: 'message' }, `${what}: ${message}`),
    hint === undefined ? undefined : element('span', { class: 'hint' }, hint),
  );
}

function whyEmpty({ isDiscovered, counts, droppedCount }: JobOverview): string | undefined {
  if (HEALTHS.some((health) => counts[health] > 0)) return undefined;
  if (!isDiscovered) return 'Waiting for the first answer of discovery.';
  return droppedCount > 0
    ? 'No target to scrape: all that were discovered were dropped.'
    : 'No target to scrape: discovery has found none.';
}
