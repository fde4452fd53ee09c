/** A goal: what must be reached, and what would be better still. */
export interface Goal {
  readonly must: number;
  readonly aim: number;
  /** Which side of the limit is good. */
  readonly better: 'lower' | 'higher';
  readonly unit: string;
}

export interface Figure {
  readonly figure: string;
  readonly input: string;
  readonly value: number;
  readonly goal: Goal;
}

/** A markdown table. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [headings, headings.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

export function figuresTable(figures: readonly Figure[]): string {
  return table(
    ['figure', 'input', 'measured', 'must', 'aim', 'verdict'],
    figures.map(({ figure, input, value, goal }) => [
      figure,
      input,
      withUnit(value, goal.unit),
      withUnit(goal.must, goal.unit),
      withUnit(goal.aim, goal.unit),
      verdict(value, goal),
    ]),
  );
}

function verdict(value: number, { must, aim, better }: Goal): string {
  const reaches = (limit: number): boolean => (better === 'lower' ? value <= limit : value >= limit);
  return reaches(aim) ? 'aim' : reaches(must) ? 'must' : '**missed**';
}

function withUnit(value: number, unit: string): string {
  return `${short(value)}${unit}`;
}

/** Three digits. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const magnitude = Math.abs(value);
  return magnitude >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(magnitude >= 10 ? 1 : 2);
}
