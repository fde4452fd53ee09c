/**
 * Runs pyro-pull against real programs: `npm run test:interop`, or `npm run test:interop -- go-service packed` for some
 * of the suites. Every file `<name>.interop.ts` is a suite, every file in `parts/` a program. What a part needs and the
 * machine has not got is installed (as root, on Debian) or built; a part that can't be had is a failure, never a skip.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareOracle } from './support/oracle.ts';
import { INTEROP, REPOSITORY, RUN_DIRECTORY_VARIABLE } from './support/places.ts';
import { buildPyroPull } from './support/pyro-pull.ts';

const ENDING = '.interop.ts';

const all = readdirSync(INTEROP)
  .filter((file) => file.endsWith(ENDING))
  .map((file) => file.slice(0, -ENDING.length));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no suite ${unknown.join(', ')}; there are: ${all.join(', ')}`);
  process.exit(2);
}
const suites = wanted.length > 0 ? wanted : all;

const directory = mkdtempSync(join(tmpdir(), 'pyro-pull-interop-'));
const unprepared = await prepareParts();
const tests = await runSuites();
const failed = unprepared + tests.failed;
if (failed === 0) rmSync(directory, { recursive: true });
else console.log(`Logs and files of the programs: ${directory}`);
console.log(`${tests.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Installs and builds ahead of the tests, so that these have their time for themselves. Gives the number of failures. */
async function prepareParts(): Promise<number> {
  const started = performance.now();
  // One suite alone prepares what it starts.
  const parts = wanted.length > 0 ? [] : readdirSync(join(INTEROP, 'parts')).filter((file) => file !== 'part.ts');
  const preparing: [string, () => Promise<unknown>][] = [
    ['pyro-pull', () => buildPyroPull(directory)],
    ['the oracle', prepareOracle],
  ];
  for (const file of parts) {
    const part: unknown = await import(join(INTEROP, 'parts', file));
    if (hasPrepare(part)) preparing.push([file.replace('.ts', ''), part.prepare]);
    else preparing.push([file, () => Promise.reject(new Error('exports no prepare()'))]);
  }
  let failures = 0;
  for (const [name, prepare] of preparing) {
    try {
      await prepare();
    } catch (error) {
      console.error(`interop: cannot prepare ${name}: ${error instanceof Error ? error.message : error}`);
      failures += 1;
    }
  }
  console.log(`interop: ${preparing.length} parts prepared in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return failures;
}

function hasPrepare(part: unknown): part is { prepare: () => Promise<unknown> } {
  return typeof part === 'object' && part !== null && 'prepare' in part && typeof part.prepare === 'function';
}

/** Runs the suites one after the other. */
async function runSuites(): Promise<{ passed: number; failed: number }> {
  const report = join(directory, 'report.tap');
  const flags = ['--import', 'tsx', '--test', '--test-concurrency=1', '--test-timeout=600000'];
  const reporters = ['spec', 'stdout', 'tap', report].map((value, index) =>
    index % 2 === 0 ? `--test-reporter=${value}` : `--test-reporter-destination=${value}`,
  );
  const files = suites.map((name) => join(INTEROP, `${name}${ENDING}`));
  const child = spawn(process.execPath, [...flags, ...reporters, ...files], {
    cwd: REPOSITORY,
    env: { ...process.env, [RUN_DIRECTORY_VARIABLE]: directory },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const tap = readFileSync(report, 'utf8');
  const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(tap)?.[1] ?? 0);
  const passed = count('pass');
  // A test that was skipped has shown nothing, and a run without tests even less.
  const bad = count('fail') + count('cancelled') + count('skipped') + count('todo');
  return { passed, failed: bad === 0 && (code !== 0 || passed === 0) ? 1 : bad };
}
