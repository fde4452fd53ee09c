/** Rows of cells as lines, columns padded to the widest cell. `right` names the columns that hold numbers. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): string[] {
  const widths = header.map(displayWidth);
  for (const row of rows) {
    for (const [column, width] of widths.entries()) {
      widths[column] = Math.max(width, displayWidth(row[column] ?? ''));
    }
  }
  const line = (cells: readonly string[]) =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? '';
        const gap = ' '.repeat(width - displayWidth(cell));
        return right.has(column) ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [line(header), ...rows.map(line)];
}

/** Code points, which is right for all but wide East Asian characters and combining marks. */
function displayWidth(text: string): number {
  return [...text].length;
}
