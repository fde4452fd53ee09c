import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseConfig } from '../../src/config/parse-config.ts';
import { ConfigError } from '../../src/errors.ts';

/** What reading a text costs the processor. Work in proportion to its size takes a few seconds at most, other work minutes. */
async function cpuMs(text: string): Promise<number> {
  const before = process.cpuUsage();
  await assert.rejects(parseConfig(text, { file: 'f.yml', dir: '.', expandEnv: false, env: {} }), ConfigError);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const LIMIT_MS = 10_000;

function repeated(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('');
}

const JOB = 'scrape-configs:\n  - job-name: a\n    enabled-profiles: [mem]\n';
const GROUP = `${JOB}    static-configs:\n      - application: a\n`;

const TEXTS: Readonly<Record<string, string>> = {
  'a long word behind an open bracket': `a: [\nb: ${'x'.repeat(800_000)}\n`,
  'closing brackets that nothing has opened': `a: ${'}'.repeat(20_000)}\n`,
  'lines that seem to give passwords': `a: [\n${repeated(6_000, (index) => `password${index}: x\n`)}`,
  'secrets beside faults': `scrape-configs:\n${repeated(1_500, (index) => `  - {job-name: a${index}, basic-auth: {password: abc, usr: b}}\n`)}`,
  'unknown keys of a mapping': JOB + repeated(6_000, (index) => `    wib${index}ble: 1\n`),
  'label names': `${GROUP}        labels:\n${repeated(6_000, (index) => `          a ${index}: 1\n`)}`,
  'addresses without a number': `${GROUP}        targets:\n${repeated(6_000, (index) => `          - h:p${index}\n`)}`,
};

suite('the faults of a file cost time in proportion to its size', () => {
  for (const [what, text] of Object.entries(TEXTS)) {
    test(what, async () => {
      const ms = await cpuMs(text);
      assert.ok(ms < LIMIT_MS, `${ms} ms`);
    });
  }
});
