import type { SoakFigures } from './run-soak.ts';

/** So much more memory at the end is growth, and not noise. */
const GROWTH = 1.1;
/** Before that caches still fill. */
const SETTLED_MS = 480_000;
/** So many profiles a kill may find in a file, and not yet in the queue of the server. Of a delta the next one tells again. */
const IN_BETWEEN = 8;

/** What must not be; none is what a soak should end with. `isLong`: so long that nothing times out at its ends. */
export function faultsOf(figures: SoakFigures, { isLong }: { readonly isLong: boolean }): string[] {
  const { early, late, kills, lost, twice } = figures;
  const faults: string[] = [
    ...figures.breaches.slice(0, 20).map(({ where, what }) => `${where}: ${what}`),
    ...figures.crashes,
    ...figures.faults.slice(0, 20),
  ];
  for (const [what, list] of [
    ['lost', lost],
    ['there twice', twice],
  ] as const) {
    const times = new Map<string, number>();
    for (const one of list) {
      const target = one.slice(0, one.indexOf(':'));
      times.set(target, (times.get(target) ?? 0) + 1);
    }
    for (const [target, count] of times) if (count > kills) faults.push(`${target}: ${count} intervals are ${what}`);
  }
  if (figures.settled !== figures.toSettle) faults.push(`${figures.settled} of ${figures.toSettle} sums are right`);
  for (const one of figures.overlaps.slice(0, 5)) faults.push(`${one}: two requests at once`);
  if (figures.unpushed.length > IN_BETWEEN * kills)
    faults.push(`never pushed: ${figures.unpushed.slice(0, 10).join(', ')}`);
  // On a short run a slow machine may let a first or last answer time out.
  if (isLong) faults.push(...figures.ragged.slice(0, 10));
  const isSettled = early.ageMs >= SETTLED_MS;
  if (isSettled && late.rssMb > early.rssMb * GROWTH) faults.push('the memory grows');
  if (isSettled && late.openFiles > early.openFiles * GROWTH) faults.push('the open files grow');
  return faults;
}

export function reportOf(figures: SoakFigures): string {
  const { early, late, answers } = figures;
  const memory = ({ ageMs, rssMb, openFiles }: typeof early) =>
    `${rssMb.toFixed(1)} MiB, ${openFiles} open files at ${(ageMs / 60_000).toFixed(1)} min`;
  const rows: [string, string | number][] = [
    ['profiles written, each compared', figures.profiles],
    ['profiles pushed', figures.pushed],
    ['written, but never pushed', figures.unpushed.length],
    ['pushed, but not in the index', figures.unindexed.length],
    ['breaches', figures.breaches.length],
    ['sums of all deltas that equal the counters', `${figures.settled} of ${figures.toSettle}`],
    ['kills -9', figures.kills],
    ['intervals lost', figures.lost.length],
    ['intervals told twice', figures.twice.length],
    ['healthy targets with a first or last answer left out', figures.ragged.length],
    ['clock jumps', figures.clockJumps],
    ['early', memory(early)],
    ['late', memory(late)],
    ['late / early', (late.rssMb / early.rssMb).toFixed(3)],
    ...Object.entries(answers).map(([role, { good, bad }]): [string, string] => [
      role,
      `${good} good, ${bad} bad answers`,
    ]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(54)}${value}`).join('\n');
}
