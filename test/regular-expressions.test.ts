import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { analyse } from 'scslre';
import type { WorkerMessage } from './support/regexp-worker.ts';
import { MODULE_FLAGS, moduleUrl } from './support/source-module.ts';
import { findSourceRegexps, regexpsIn, type SourceRegexp } from './support/source-regexps.ts';

const SOURCES = fileURLToPath(new URL('../src', import.meta.url));

/** A linear one takes some milliseconds for a megabyte, a quadratic one minutes. */
const CPU_LIMIT_MS = 3_000;

/** The first expression that takes longer than the limit for one text, with that text; undefined where none does. */
async function slowest(regexps: readonly SourceRegexp[], limitMs = CPU_LIMIT_MS): Promise<string | undefined> {
  const worker = new Worker(new URL(moduleUrl('test/support/regexp-worker.ts')), {
    workerData: regexps,
    execArgv: [...MODULE_FLAGS],
  });
  let current = '';
  let since = process.cpuUsage();
  return new Promise<string | undefined>((resolve, reject) => {
    const timer = setInterval(() => {
      const { user, system } = process.cpuUsage(since);
      if (current !== '' && (user + system) / 1000 > limitMs) resolve(current);
    }, 50);
    worker.on('error', reject);
    worker.on('message', (message: WorkerMessage) => {
      if (message === 'done') return resolve(undefined);
      const regexp = regexps[message.begins];
      current = `${regexp?.place} /${regexp?.source}/${regexp?.flags} on ${message.on}`;
      since = process.cpuUsage();
    });
    worker.on('exit', () => clearInterval(timer));
  }).finally(() => worker.terminate());
}

/** What the analysis of the expression itself says. */
function superLinearPart({ source, flags }: SourceRegexp): string | undefined {
  const { reports } = analyse({ source, flags }, { reportTypes: { Move: true, Self: true, Trade: true } });
  return reports.map(({ type, character }) => `${type} on ${JSON.stringify(character.pick)}`).join(', ') || undefined;
}

suite('every regular expression of the source takes time in proportion to its text', () => {
  const { regexps, constructed } = findSourceRegexps(SOURCES);
  const different = [...new Map(regexps.map((one) => [`${one.source}/${one.flags}/${one.splits}`, one])).values()];

  test('there are some', () => assert.ok(different.length > 100, String(different.length)));

  test('each is a literal, which can be read here', () => assert.deepEqual(constructed, []));

  test('by its analysis', () => {
    const found = different.flatMap((one) => {
      const part = superLinearPart(one);
      return part === undefined ? [] : [`${one.place} /${one.source}/${one.flags}: ${part}`];
    });
    assert.deepEqual(found, []);
  });

  test('on texts of a megabyte', async () => assert.equal(await slowest(different), undefined));
});

suite('an expression that takes more is found', () => {
  const CASES = [
    String.raw`text.replace(/\s+$/, '')`,
    '/[ ]*$/.exec(text)',
    '/<title[^>]*>([^<]*)/i.exec(text)',
    String.raw`/\/debug\/pprof(\/.*)?$/.exec(text)`,
    String.raw`text.matchAll(/([\w-]+)["']?[ \t]*[:=][ \t]*(?=\S)/g)`,
    String.raw`/^(\w+[-_][\w-]+):\S/.exec(text)`,
    String.raw`text.match(/-----BEGIN (A |B )?C-----[\s\S]*?-----END \1?C-----/g)`,
    '/^(a+)+$/.test(text)',
    String.raw`text.split(/\s*,/)`,
    String.raw`/\B(?=(\d{3})+$)/g[Symbol.replace](text, ',')`,
  ];
  for (const code of CASES) {
    test(code, async () => {
      const { regexps } = regexpsIn('case.ts', code);
      assert.equal(regexps.length, 1);
      const [regexp] = regexps;
      assert.ok(regexp !== undefined);
      assert.match((await slowest(regexps, 300)) ?? '', /^case.ts:1 /);
    });
  }

  test('one that is made from a text is reported', () => {
    assert.deepEqual(regexpsIn('case.ts', 'const a = 1;\nnew RegExp(`${a}+$`); RegExp("b");').constructed, [
      'case.ts:2',
      'case.ts:2',
    ]);
  });
});
