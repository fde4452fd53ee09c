import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadConfig } from '../../src/config/load-config.ts';
import { parseTargetGroups } from '../../src/config/target-groups.ts';
import { ConfigError } from '../../src/errors.ts';
import { CONFIG_FIXTURES, judgeConfig, readConfigFixture } from '../support/config-problems.ts';
import { countCpuMs } from '../support/cpu-time.ts';

/** Whatever is in a file, it is a config or a `ConfigError`; and a config error says something. */
async function judge(text: string): Promise<void> {
  const { config, errors } = await judgeConfig(text, { A: 'x' });
  assert.ok(config !== undefined || errors.length > 0);
  for (const format of ['json', 'yaml'] as const) {
    try {
      parseTargetGroups(text, { file: 't', format });
    } catch (error) {
      assert.ok(error instanceof ConfigError && error.problems.length > 0);
    }
  }
}

const fixtures = readdirSync(CONFIG_FIXTURES)
  .filter((name) => name.endsWith('.yml'))
  .map(readConfigFixture);

test('random bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      async function* stdin() {
        yield bytes;
      }
      await loadConfig('-', { expandEnv: false, env: {}, stdin: stdin() }).then(
        () => assert.fail('random bytes are no config'),
        (error: unknown) => assert.ok(error instanceof ConfigError),
      );
    }),
  );
});

test('random text of the characters that mean something in YAML', async () => {
  const character = fc.constantFrom(
    ...'{}[]:,-?&*!|>\'"%@`#~ \n\tab01.<$'.split(''),
    '<<: ',
    '- ',
    'a: ',
    '\n  ',
    '---\n',
  );
  await fc.assert(fc.asyncProperty(fc.string({ unit: character, maxLength: 120 }), judge), { numRuns: 400 });
});

test('configs with a part cut out, repeated, or replaced', async () => {
  const change = fc.record({
    text: fc.constantFrom(...fixtures),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(40),
    insert: fc.constantFrom(
      '',
      '\n',
      '[',
      '{',
      '"',
      ': ',
      '- ',
      '&a ',
      '*a',
      '~',
      '\n- ',
      'null',
      '0',
      '${A}',
      '!!int ',
    ),
  });
  await fc.assert(
    fc.asyncProperty(change, async ({ text, at, length, insert }) => {
      const start = Math.floor(at * text.length);
      await judge(text.slice(0, start) + insert + text.slice(start + length));
    }),
    { numRuns: 400 },
  );
});

test('any value in the place of any key', async () => {
  const value = fc.jsonValue({ maxDepth: 2 });
  const keys = [...new Set(fixtures.join('\n').match(/[a-z]+(?:-[a-z0-9]+)+(?=:)/g))];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...keys), value, async (key, value) => {
      const job = { 'job-name': 'j', 'enabled-profiles': ['cpu'], [key]: value };
      await judge(JSON.stringify({ 'scrape-configs': [job], 'remote-write': [{ [key]: value }], [key]: value }));
    }),
    { numRuns: 400 },
  );
});

test('long texts where a pattern could take its time', async () => {
  for (const long of [
    'a'.repeat(50_000),
    '1'.repeat(50_000),
    ' '.repeat(50_000),
    'a-'.repeat(25_000),
    '(,'.repeat(25_000),
    '/'.repeat(50_000),
    '${A:-'.repeat(10_000),
  ]) {
    const quoted = JSON.stringify(long);
    const cpuMs = countCpuMs();
    await judge(
      `{log-level: ${quoted}, scrape-configs: [{job-name: ${quoted}, scrape-interval: ${quoted}, body-size-limit: ${quoted}, enabled-profiles: [${quoted}], profiles: {p: {path: ${quoted}}}, oauth2: {token-url: ${quoted}}, static-configs: [{targets: [${quoted}], application: ${quoted}, labels: {a: ${quoted}}}], file-sd-configs: [{files: [${quoted}]}], consul-sd-configs: [{server: ${quoted}}], kubernetes-sd-configs: [{role: pod, api-server: ${quoted}, selectors: [{role: pod, label: ${quoted}, field: ${quoted}}]}]}]}`,
    );
    assert.ok(cpuMs() < 5_000, `${long.slice(0, 4)}… took too long`);
  }
});
