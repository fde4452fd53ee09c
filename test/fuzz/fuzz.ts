/**
 * Coverage-guided fuzzing of the readers and the delta engine against their second implementations:
 *
 *     node --import tsx test/fuzz/fuzz.ts --seconds 3600 [--seed 1] [--keep]
 *
 * Mutants that reach new blocks of `src/profile` and `src/delta` are mutated further; with `--keep` the few that together
 * reach most are written to the corpus at the end. A finding is written there too, and ends the run with exit code 1.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { buildProfile, type Layout } from '../support/build-profile.ts';
import { LAYOUTS } from '../support/layouts.ts';
import { mutateBytes, mutateProfile } from '../support/mutate-profile.ts';
import { makeHistory } from '../support/profile-arbitraries.ts';
import { Random } from '../support/random.ts';
import { inflated, recordedProfiles } from '../support/recorded-profiles.ts';
import { BlockCoverage } from './block-coverage.ts';
import { checkBody, checkProfile } from './check-case.ts';
import { CORPUS, readCorpus, saveCase } from './corpus.ts';
import { Watchdog } from './watchdog.ts';

const BATCH = 16;
const CASE_LIMIT_MS = 10_000;
/** Small inputs go round fast, and whatever can be said can be said in few bytes. */
const MAX_SEED_BYTES = 4000;
const MAX_GROWTH_BYTES = 400 * 1024 * 1024;
const REPORT_MS = 10_000;
/** Blocks that a case has to add to be kept. */
const MIN_NEWS = 6;

interface Case {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    keep: { type: 'boolean', default: false },
  },
});
const random = new Random(Number(options.seed));
const watchdog = new Watchdog(CASE_LIMIT_MS, `${CORPUS}/hang-${options.seed}`);
const coverage = new BlockCoverage(['/src/profile/', '/src/delta/']);
const seen = new Set<string>();

const pool = seedCases();
for (const seedCase of pool) run(seedCase);
for (const block of coverage.take()) seen.add(block);
print(`seed ${options.seed}: ${pool.length} cases to start from, ${seen.size} blocks`);

const end = Date.now() + Number(options.seconds) * 1000;
const rssBefore = process.memoryUsage().rss;
let cases = 0;
for (let nextReport = Date.now() + REPORT_MS; Date.now() < end; ) {
  const batch = Array.from({ length: BATCH }, () => mutant(random.pick(pool)));
  for (const fresh of batch) run(fresh);
  cases += batch.length;
  // What zlib has been used for is let go in the next turn of the event loop.
  await turn();
  keepNews(batch);
  if (Date.now() < nextReport) continue;
  nextReport += REPORT_MS;
  print(`${cases} cases, ${pool.length} in the pool, ${seen.size} blocks`);
}
const growth = process.memoryUsage().rss - rssBefore;
print(
  `${cases} cases, ${pool.length} in the pool, ${seen.size} blocks, ${Math.round(growth / 2 ** 20)} MiB more memory`,
);
if (options.keep) keepBest();
coverage.stop();
await watchdog.stop();
if (growth > MAX_GROWTH_BYTES) {
  print('FAILED: memory grows');
  process.exitCode = 1;
}

function seedCases(): Case[] {
  const found: Case[] = readCorpus();
  for (let number = 0; number < 40; number++) {
    const layout: Partial<Layout> = { ...random.pick(LAYOUTS), seed: random.bits() };
    const [before, after] = makeHistory(random, 1 + random.below(6), 2, false);
    if (before && after) found.push({ before: buildProfile(before), after: buildProfile(after, layout) });
  }
  for (const bodies of recordedProfiles().values()) {
    const [before, after] = bodies.slice(0, 2).map(inflated);
    if (before && after && after.length < MAX_SEED_BYTES) found.push({ before, after });
  }
  return found;
}

function mutant({ before, after }: Case): Case {
  const other = random.pick(pool);
  if (random.chance(0.05)) return { before: other.before, after };
  if (random.chance(0.05)) return { before, after: new Uint8Array(Buffer.concat([after, other.after])) };
  return { before, after: mutateProfile(after, random).slice(0, 4 * MAX_SEED_BYTES) };
}

function run({ before, after }: Case): void {
  watchdog.show(before, after);
  try {
    checkProfile(before, after);
    checkBody(after);
    checkBody(mutateBytes(new Uint8Array(gzipSync(after, { level: 1 })), random));
  } catch (error) {
    print(
      `FAILED: saved as ${saveCase(before, after, 'finding')}.*.pb\n${error instanceof Error ? error.stack : error}`,
    );
    process.exit(1);
  }
}

/** Adds to the pool what of a batch reached something new; which one it was shows when each runs again alone. */
function keepNews(batch: readonly Case[]): void {
  const news = new Set([...coverage.take()].filter((block) => !seen.has(block)));
  if (news.size === 0) return;
  for (const fresh of batch) {
    run(fresh);
    const own = [...coverage.take()].filter((block) => news.has(block));
    if (own.length === 0) continue;
    pool.push(fresh);
    for (const block of own) {
      seen.add(block);
      news.delete(block);
    }
  }
  // Counts of a whole batch that no case has alone.
  for (const block of news) seen.add(block);
}

/** Again and again the case that adds most to what the corpus reaches, as long as one adds much. */
function keepBest(): void {
  const reached = new Set<string>();
  const blocksOf = new Map<Case, Set<string>>();
  const corpusSize = readCorpus().length;
  for (const [number, known] of pool.entries()) {
    run(known);
    if (number < corpusSize) for (const block of coverage.take()) reached.add(block);
    else blocksOf.set(known, coverage.take());
  }
  for (;;) {
    let best: Case | undefined;
    let most = MIN_NEWS - 1;
    for (const [known, blocks] of blocksOf) {
      const news = [...blocks].filter((block) => !reached.has(block)).length;
      if (news <= most) continue;
      most = news;
      best = known;
    }
    if (!best) return;
    for (const block of blocksOf.get(best) ?? []) reached.add(block);
    print(`kept for ${most} blocks: ${saveCase(best.before, best.after, 'news')}`);
  }
}

function print(line: string): void {
  process.stdout.write(`fuzz: ${line}\n`);
}
