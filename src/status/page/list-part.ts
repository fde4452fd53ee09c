import { element, KeyedParts, type Part, setAttribute, setText } from './dom.ts';

/** One line of a list that is not about targets: remotes, sources. */
export interface ListRow {
  readonly name: string;
  readonly note: string;
  readonly health: 'up' | 'down' | 'unknown';
  readonly state: string;
  /** One for each column after the name. */
  readonly cells: readonly string[];
  /** What is wrong, below the line. */
  readonly problem: string | undefined;
}

/** A section with a table of a few lines, hidden while there are none. */
export class ListPart implements Part<readonly ListRow[]> {
  readonly root: HTMLElement;
  readonly #rows: KeyedParts<ListRow>;

  constructor(title: string, columns: readonly string[]) {
    const head = ['State', 'Name', ...columns].map((name, column) =>
      element('th', { scope: 'col', class: column > 1 && 'number' }, name),
    );
    const table = element('table', {}, element('thead', {}, element('tr', {}, ...head)));
    this.#rows = new KeyedParts(
      table,
      ({ name, note }) => JSON.stringify([name, note]),
      () => new ListRowPart(columns.length),
    );
    const heading = element('div', { class: 'heading' }, element('h2', {}, title));
    this.root = element('section', { class: 'list', 'aria-label': title }, heading, table);
  }

  update(rows: readonly ListRow[]): void {
    this.root.hidden = rows.length === 0;
    this.#rows.update(rows);
  }
}

class ListRowPart implements Part<ListRow> {
  readonly root = element('tbody', { class: 'target' });
  readonly #state = element('span', { class: 'health' });
  readonly #name = element('span', { class: 'instance' });
  readonly #note = element('span', { class: 'hint' });
  readonly #cells: readonly HTMLElement[];
  readonly #problem: HTMLElement;
  readonly #problemRow: HTMLElement;

  constructor(columns: number) {
    this.#cells = Array.from({ length: columns }, () => element('td', { class: 'number' }));
    this.#problem = element('td', { class: 'message', colspan: String(columns + 1) });
    this.#problemRow = element('tr', { class: 'error' }, element('td'), this.#problem);
    const name = element('th', { scope: 'row' }, this.#name, ' ', this.#note);
    this.root.append(element('tr', {}, element('td', { class: 'state' }, this.#state), name, ...this.#cells));
  }

  update({ name, note, health, state, cells, problem }: ListRow): void {
    setAttribute(this.root, 'data-health', health);
    setText(this.#state, state);
    setText(this.#name, name);
    setText(this.#note, note);
    for (const [column, cell] of this.#cells.entries()) setText(cell, cells[column] ?? '');
    setText(this.#problem, problem ?? '');
    if (problem === undefined) this.#problemRow.remove();
    else if (!this.#problemRow.isConnected) this.root.append(this.#problemRow);
  }
}
