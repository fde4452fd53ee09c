import { displayWidth } from '../../safe-text/display-width.ts';
import { oneLine } from '../../safe-text/one-line.ts';

/** A cell that is wider than this takes the room it needs in its own row, and does not push the others apart. */
const MAX_COLUMN_WIDTH = 100;

/**
 * Rows of cells as lines, foreign text in them made safe, columns padded to the widest cell as a terminal shows it. `right`
 * names the columns that hold numbers.
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): string[] {
  const shown = rows.map((row) => row.map(oneLine));
  const widths = header.map(displayWidth);
  for (const row of shown) {
    for (const [column, width] of widths.entries()) {
      const needed = displayWidth(row[column] ?? '');
      if (needed > width && needed <= MAX_COLUMN_WIDTH) widths[column] = needed;
    }
  }
  const line = (cells: readonly string[]) =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? '';
        const gap = ' '.repeat(Math.max(0, width - displayWidth(cell)));
        return right.has(column) ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [line(header), ...shown.map(line)];
}
