/**
 * What profiles at the edge of `body-size-limit` (64 MiB) take: `node --import tsx bench/large.ts`. Each in a process of its
 * own; resident memory and CPU time beyond those of an empty file. Exit code 1 where one takes more than six times the limit.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundle } from './bundle.ts';
import { LARGE_INPUTS } from './large-inputs.ts';
import { short, table } from './report.ts';

const LIMIT_MIB = 64;
const MOST = 6;

interface Taken {
  readonly samples: number;
  readonly peakKiB: number;
  readonly cpuMicros: number;
}

const child = await bundle('large-child.ts');
const directory = mkdtempSync(join(tmpdir(), 'pyro-pull-bench-'));
const rows: (string | number)[][] = [];
let worst = 0;
try {
  const emptyFile = write('empty', new Uint8Array(0));
  const floors = [run(emptyFile), run(emptyFile, emptyFile)] as const;
  const wanted = process.argv[2];
  for (const { name, isTaken, profile } of LARGE_INPUTS.filter((input) => !wanted || input.name.includes(wanted))) {
    const files = [write('before', profile(1)), write('after', profile(2))] as const;
    const read = run(files[0]);
    const delta = run(...files);
    if (read.samples >= 0 !== isTaken || delta.samples >= 0 !== isTaken) throw new Error(`${name}: taken or not`);
    const ratios = [read, delta].map(({ peakKiB }, at) => (peakKiB - (floors[at]?.peakKiB ?? 0)) / 1024 / LIMIT_MIB);
    const seconds = [read, delta].map(({ cpuMicros }, at) => (cpuMicros - (floors[at]?.cpuMicros ?? 0)) / 1e6);
    worst = Math.max(worst, ...ratios);
    rows.push([
      name,
      ...ratios.map((ratio) => `${short(ratio * LIMIT_MIB)} MiB (${short(ratio)}x)`),
      ...seconds.map((s) => `${short(s)} s`),
    ]);
  }
} finally {
  rmSync(directory, { recursive: true });
}
console.log(table(['profile', 'read: resident', 'delta of two: resident', 'read: CPU', 'delta: CPU'], rows));
process.exitCode = worst > MOST ? 1 : 0;

function write(name: string, profile: Uint8Array): string {
  const path = join(directory, `${name}.pb.gz`);
  writeFileSync(path, gzipSync(profile, { level: 1 }));
  return path;
}

function run(...files: readonly string[]): Taken {
  const { status, stdout, stderr } = spawnSync(process.execPath, [child, ...files], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
