import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { CONFIG_FIXTURES, judgeConfig, readConfigFixture, showProblem } from '../support/config-problems.ts';
import { ERRORS, WARNINGS } from './fixture-messages.ts';

const names = readdirSync(CONFIG_FIXTURES);
const bad = names.filter((name) => name.endsWith('.bad.yml'));
const good = names.filter((name) => name.endsWith('.good.yml'));

test('every broken config has its messages in the table, and every message its config', () => {
  assert.deepEqual(bad.toSorted(), Object.keys(ERRORS).toSorted());
});

for (const name of bad) {
  test(`all faults of ${name} are reported at once, in the order of the file`, async () => {
    const env = name.startsWith('environment') ? {} : undefined;
    const { errors } = await judgeConfig(readConfigFixture(name), env);
    assert.deepEqual(errors.map(showProblem), ERRORS[name]);
  });
}

for (const name of good) {
  test(`${name} is a config`, async () => {
    const { errors, warnings } = await judgeConfig(readConfigFixture(name));
    assert.deepEqual(errors.map(showProblem), []);
    assert.deepEqual(warnings.map(showProblem), WARNINGS[name] ?? []);
  });
}

test('no message and no excerpt shows a secret', async () => {
  for (const name of [...bad, ...good]) {
    const { errors, warnings } = await judgeConfig(
      readConfigFixture(name),
      name.startsWith('environment') ? {} : undefined,
    );
    const shown = JSON.stringify([...errors, ...warnings]);
    assert.doesNotMatch(shown, /hunter2|s3cr3t|t0ken|bWU6|p%40ss|pa\$WORD/, name);
  }
});

test('the caret stands under text of the line', async () => {
  for (const name of bad) {
    const { errors } = await judgeConfig(readConfigFixture(name), name.startsWith('environment') ? {} : undefined);
    for (const { excerpt, position } of errors) {
      if (!excerpt) continue;
      assert.ok(position);
      assert.ok(excerpt.column >= 1 && excerpt.length >= 1, name);
      assert.ok(excerpt.column <= excerpt.text.length + 1, name);
    }
  }
});
