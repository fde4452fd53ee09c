import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compileRule } from '../../src/labels/compile-rule.ts';
import type { LabelSet } from '../../src/labels/label-set.ts';
import { explainRelabel, type RelabelRule, relabel, type WrittenRelabelRule } from '../../src/labels/relabel.ts';
import { countCpuMs } from '../support/cpu-time.ts';

/** A rule as the vectors spell it. */
interface VectorRule {
  readonly 'source-labels'?: readonly string[];
  readonly separator?: string;
  readonly regex?: string;
  readonly modulus?: number | string;
  readonly 'target-label'?: string;
  readonly replacement?: string;
  readonly action?: string;
}

interface Vector {
  readonly id: string;
  readonly why: string;
  readonly in: Readonly<Record<string, string>>;
  readonly rules: readonly VectorRule[];
  readonly out: Readonly<Record<string, string>> | null;
}

function compiled(rule: VectorRule): RelabelRule {
  const { 'source-labels': sourceLabels, 'target-label': targetLabel, modulus, ...rest } = rule;
  const written: WrittenRelabelRule = {
    ...rest,
    ...(sourceLabels === undefined ? {} : { sourceLabels }),
    ...(targetLabel === undefined ? {} : { targetLabel }),
    ...(modulus === undefined ? {} : { modulus: BigInt(modulus) }),
  };
  const result = compileRule(written);
  assert.deepEqual(result.problems, []);
  assert.ok(result.rule !== undefined);
  return result.rule;
}

function labels(record: Readonly<Record<string, string>>): LabelSet {
  return new Map(Object.entries(record));
}

function run(input: Readonly<Record<string, string>>, rules: readonly VectorRule[]): unknown {
  const result = relabel(labels(input), rules.map(compiled));
  return 'labels' in result ? Object.fromEntries([...result.labels].sort()) : null;
}

const vectors: Vector[] = readFileSync(new URL('../../fixtures/relabel/vectors.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

assert.equal(vectors.length, 70);
for (const vector of vectors) {
  test(`${vector.id} ${vector.why}`, () => {
    assert.deepEqual(run(vector.in, vector.rules), vector.out);
  });
}

test('names the rule that dropped the target', () => {
  const rules = [compiled({ 'target-label': 'a' }), compiled({ action: 'drop' }), compiled({ action: 'drop' })];
  assert.deepEqual(relabel(labels({ b: '1' }), rules), { droppedBy: 1 });
});

test('leaves the given label set as it was', () => {
  const input = labels({ a: '1' });
  relabel(input, [compiled({ 'target-label': 'a', replacement: '2' }), compiled({ action: 'labeldrop' })]);
  assert.deepEqual(input, labels({ a: '1' }));
});

test('skips what a labelmap would give an invalid name, and says so', () => {
  const warnings: string[] = [];
  const rules = [compiled({ action: 'labelmap', regex: 'm_(.+)' })];
  const result = relabel(labels({ m_1st: 'x', m_ok: 'y' }), rules, (message) => warnings.push(message));
  assert.deepEqual(result, { labels: labels({ m_1st: 'x', m_ok: 'y', ok: 'y' }) });
  assert.deepEqual(warnings, [`labelmap can't rename "m_1st": "1st" is not a valid label name`]);
});

test('explains each rule with the labels before and after, up to the one that drops', () => {
  const rules = [
    compiled({ 'target-label': 'env', replacement: 'prod' }),
    compiled({ 'source-labels': ['env'], action: 'drop', regex: 'prod' }),
    compiled({ 'target-label': 'never' }),
  ];
  const steps = [...explainRelabel(labels({ a: '1' }), rules)];
  const set = labels({ a: '1', env: 'prod' });
  assert.deepEqual(
    steps.map(({ ruleIndex, before, after }) => ({ ruleIndex, before, after })),
    [
      { ruleIndex: 0, before: labels({ a: '1' }), after: set },
      { ruleIndex: 1, before: set, after: undefined },
    ],
  );
});

test('remembered answers stay right when one pattern sees many texts, twice each', () => {
  const rule = compiled({ 'source-labels': ['a'], regex: 'v(\\d+)', 'target-label': 'b', replacement: '<$1>' });
  const keep = compiled({ 'source-labels': ['a'], regex: 'v\\d*[02468]', action: 'keep' });
  for (let i = 0; i < 10_000; i++) {
    for (const round of [0, 1]) {
      const number = (i >> 1) + round;
      const result = relabel(labels({ a: `v${number}` }), [rule, keep]);
      const expected = number % 2 === 0 ? { labels: labels({ a: `v${number}`, b: `<${number}>` }) } : { droppedBy: 1 };
      assert.deepEqual(result, expected);
    }
  }
});

test('a hostile pattern and text take no time to speak of', () => {
  const rule = compiled({ 'source-labels': ['a'], regex: '(x+x+)+y|(a|aa)+$|(.*)*z', 'target-label': 'b' });
  const cpuMs = countCpuMs();
  for (const text of ['x'.repeat(20_000), `${'a'.repeat(20_000)}!`, 'z'.repeat(20_000)]) {
    relabel(labels({ a: text }), [rule]);
  }
  assert.ok(cpuMs() < 2_000);
});
