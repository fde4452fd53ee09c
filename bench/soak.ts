// Weeks in an hour: 200 targets that restart, hang, dribble, send garbage and vanish, a server that goes away, a clock
// that is set, kill -9 three times. Exit code 1 if anything is wrong.
//   node --import tsx bench/soak.ts [--minutes 60] [--targets 200] [--interval 15] [--seed 1] [--dir DIR] [--bin FILE]
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runSoak } from './soak/run-soak.ts';
import { faultsOf, reportOf } from './soak/soak-report.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    targets: { type: 'string', default: '200' },
    interval: { type: 'string', default: '15' },
    seed: { type: 'string', default: '1' },
    dir: { type: 'string' },
    bin: { type: 'string', default: join(import.meta.dirname, '../bin/pyro-pull.js') },
  },
});
const dir = resolve(values.dir ?? mkdtempSync(join(tmpdir(), 'pyro-pull-soak-')));
const figures = await runSoak({
  minutes: Number(values.minutes),
  targets: Number(values.targets),
  intervalMs: Number(values.interval) * 1000,
  seed: Number(values.seed),
  dir,
  executable: resolve(values.bin),
  say: (line) => console.log(line),
});
writeFileSync(join(dir, 'figures.json'), JSON.stringify(figures, undefined, 1));
console.log(reportOf(figures));
const faults = faultsOf(figures, { isLong: Number(values.minutes) >= 15 });
for (const fault of faults) console.log(`WRONG: ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;
