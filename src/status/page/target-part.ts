import { element, type Part, setAttribute, setText } from './dom.ts';
import { counted, formatBytes, formatSpan, formatTook } from './format.ts';
import type { Health, Labels, TargetDetails, TargetRow } from './overview.ts';

export const COLUMNS = ['State', 'Instance', 'Profile', 'Labels', 'Last scrape', 'Took', 'Size', 'Next'] as const;
/** The cells of numbers, aligned to the right. */
export const NUMBER_COLUMNS: ReadonlySet<string> = new Set(['Last scrape', 'Took', 'Size', 'Next']);

export const HEALTH_WORDS: Readonly<Record<Health, string>> = {
  up: 'up',
  down: 'down',
  absent: 'absent',
  unknown: 'waiting',
};

/** A target and how it is shown. */
export interface TargetLine {
  readonly row: TargetRow;
  /** The line above differs from this one in its profile alone. */
  readonly isRepeat: boolean;
}

export function linesOf(rows: readonly TargetRow[]): readonly TargetLine[] {
  let above = '';
  return rows.map((row) => {
    const subject = JSON.stringify([row.instance, row.service, row.labels]);
    const isRepeat = subject === above;
    above = subject;
    return { row, isRepeat };
  });
}

/** A target: one line, what is wrong with it below, and everything about it when it is unfolded. */
export class TargetPart implements Part<TargetLine> {
  readonly root = element('tbody', { class: 'target' });
  readonly #health = element('span', { class: 'health' });
  readonly #instance = element('span', { class: 'instance' });
  readonly #toggle = element('button', { type: 'button', class: 'toggle', 'aria-expanded': 'false' }, this.#instance);
  readonly #profile = element('td', { class: 'profile' });
  readonly #labels = element('td', { class: 'labels' });
  readonly #last = element('td', { class: 'number' });
  readonly #took = element('td', { class: 'number' });
  readonly #size = element('td', { class: 'number' });
  readonly #next = element('td', { class: 'number' });
  readonly #main = element(
    'tr',
    {},
    element('td', { class: 'state' }, this.#health),
    element('th', { scope: 'row' }, this.#toggle),
    this.#profile,
    this.#labels,
    this.#last,
    this.#took,
    this.#size,
    this.#next,
  );
  readonly #error = element('td', { colspan: String(COLUMNS.length - 1) });
  readonly #errorRow = element('tr', { class: 'error' }, element('td'), this.#error);
  readonly #details = element('td', { colspan: String(COLUMNS.length - 1) });
  readonly #detailsRow = element('tr', { class: 'details' }, element('td'), this.#details);
  #row: TargetRow;
  #shownLabels = '';
  #shownDetails = '';
  #shownError = '';

  constructor({ row }: TargetLine, onToggle: (key: string) => void) {
    this.#row = row;
    this.root.append(this.#main);
    this.#toggle.addEventListener('click', () => onToggle(row.key));
    // The whole line unfolds, but for a person who selects some of its text.
    this.#main.addEventListener('click', (event) => {
      const isButton = event.target instanceof Element && event.target.closest('button, a') !== null;
      if (!isButton && getSelection()?.isCollapsed !== false) onToggle(row.key);
    });
  }

  update({ row, isRepeat }: TargetLine): void {
    this.#row = row;
    setAttribute(this.root, 'data-repeat', isRepeat);
    setAttribute(this.root, 'data-health', row.health);
    setText(this.#health, HEALTH_WORDS[row.health]);
    setText(this.#instance, row.instance);
    setAttribute(this.#toggle, 'aria-expanded', String(row.details !== undefined));
    setText(this.#profile, row.profile);
    this.#updateLabels(row);
    setText(this.#took, row.durationMs === undefined ? '–' : formatTook(row.durationMs));
    setText(this.#size, row.bytes === undefined ? '–' : formatBytes(row.bytes));
    this.#updateError(row);
    this.#updateDetails(row);
  }

  /** Times go on between two answers of the server. */
  tick(nowMs: number): void {
    const { lastScrapeMs, nextMs, isScraping } = this.#row;
    setText(this.#last, lastScrapeMs === undefined ? 'never' : `${formatSpan(nowMs - lastScrapeMs)} ago`);
    setText(this.#next, isScraping ? 'now' : nextMs === undefined ? '–' : `in ${formatSpan(nextMs - nowMs)}`);
    setAttribute(this.#last, 'title', lastScrapeMs === undefined ? undefined : new Date(lastScrapeMs).toISOString());
    setAttribute(this.#next, 'title', nextMs === undefined ? undefined : new Date(nextMs).toISOString());
  }

  #updateLabels({ service, labels }: TargetRow): void {
    const text = JSON.stringify([service, labels]);
    if (text === this.#shownLabels) return;
    this.#shownLabels = text;
    this.#labels.replaceChildren(
      element('span', { class: 'service' }, service),
      ...labels.flatMap((label) => [' ', labelOf(label)]),
    );
  }

  #updateError({ error, failures, health }: TargetRow): void {
    if (!error) {
      this.#errorRow.remove();
      return;
    }
    const text = JSON.stringify([error, failures, health]);
    if (text !== this.#shownError) {
      this.#shownError = text;
      this.#error.replaceChildren(
        element('span', { class: 'message' }, error.message),
        error.hint === undefined ? '' : element('span', { class: 'hint' }, error.hint),
        failures > 1 ? element('span', { class: 'hint' }, `${counted(failures, 'failure')} in a row`) : '',
      );
    }
    if (!this.#errorRow.isConnected) this.#main.after(this.#errorRow);
  }

  #updateDetails(row: TargetRow): void {
    if (!row.details) {
      this.#detailsRow.remove();
      return;
    }
    const text = JSON.stringify([row.details, row.intervalMs, row.missed]);
    if (text !== this.#shownDetails) {
      this.#shownDetails = text;
      this.#details.replaceChildren(detailsList(row, row.details));
    }
    if (!this.#detailsRow.isConnected) this.root.append(this.#detailsRow);
  }
}

function labelOf([name, value]: Labels[number]): HTMLElement {
  return element(
    'span',
    { class: 'label' },
    element('span', { class: 'name' }, `${name}=`),
    element('span', { class: 'value' }, value),
  );
}

export function labelsList(labels: Labels): HTMLElement {
  return element('span', { class: 'labels' }, ...labels.flatMap((label) => [labelOf(label), ' ']));
}

function detailsList({ intervalMs, missed }: TargetRow, details: TargetDetails): HTMLElement {
  const timing = `every ${formatSpan(intervalMs)}, timeout ${formatSpan(details.timeoutMs)}`;
  const entries: (readonly [string, HTMLElement | string])[] = [
    ['URL', link(details.url)],
    ['Scraped', missed === 0 ? timing : `${timing}; ${counted(missed, 'slot')} missed`],
    ['Labels', labelsList(details.labels)],
    ['Before relabelling', labelsList(details.discoveredLabels)],
  ];
  return element('dl', {}, ...entries.flatMap(([term, value]) => [element('dt', {}, term), element('dd', {}, value)]));
}

function link(url: string): HTMLElement {
  if (!/^https?:\/\//.test(url)) return element('span', {}, url);
  return element('a', { href: url, rel: 'noreferrer noopener', target: '_blank' }, url);
}
