import { HEALTHS, type Health } from './overview.ts';

/** What the user has chosen to see. The filter is part of the page's URL, so that it can be passed on. */
export class PageState {
  filter = '';
  readonly healths = new Set<Health>();
  readonly open = new Set<string>();
  readonly closed = new Set<string>();
  readonly more = new Map<string, number>();
  readonly dropped = new Set<string>();
  readonly details = new Set<string>();

  static of(search: string): PageState {
    const state = new PageState();
    const parameters = new URLSearchParams(search);
    state.filter = parameters.get('filter') ?? '';
    for (const health of HEALTHS) if (parameters.getAll('health').includes(health)) state.healths.add(health);
    return state;
  }

  get isFiltered(): boolean {
    return this.filter.trim() !== '' || this.healths.size > 0;
  }

  /** For the address bar: empty, or with its question mark. */
  get search(): string {
    const text = this.#filterParameters().toString();
    return text === '' ? '' : `?${text}`;
  }

  /** For the server. */
  get query(): string {
    const parameters = this.#filterParameters();
    for (const job of this.open) parameters.append('open', job);
    for (const job of this.closed) parameters.append('closed', job);
    for (const [job, times] of this.more) for (let i = 0; i < times; i++) parameters.append('more', job);
    for (const job of this.dropped) parameters.append('dropped', job);
    for (const key of this.details) parameters.append('details', key);
    return parameters.toString();
  }

  setOpen(job: string, isOpen: boolean): void {
    this.open.delete(job);
    this.closed.delete(job);
    (isOpen ? this.open : this.closed).add(job);
  }

  #filterParameters(): URLSearchParams {
    const parameters = new URLSearchParams();
    if (this.filter.trim() !== '') parameters.set('filter', this.filter.trim());
    for (const health of HEALTHS) if (this.healths.has(health)) parameters.append('health', health);
    return parameters;
  }
}

/** Puts it in, or takes it out. */
export function toggle<Item>(set: Set<Item>, item: Item): void {
  if (!set.delete(item)) set.add(item);
}
