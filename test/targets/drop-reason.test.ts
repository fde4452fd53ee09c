import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRule } from '../../src/labels/compile-rule.ts';
import { describeDrop } from '../../src/targets/drop-reason.ts';
import type { DropReason } from '../../src/targets/target.ts';
import { jobOf } from '../support/job-of.ts';

const rows: readonly [reason: DropReason, text: string][] = [
  [{ type: 'relabel', ruleIndex: 0 }, 'relabel rule 0 (line 7): keep'],
  [{ type: 'no-profile-enabled' }, 'no profile is enabled for it'],
  [{ type: 'target-limit', limit: 5 }, 'the job has more instances than its target-limit of 5'],
];
for (const [reason, text] of rows) {
  test(text, async () => {
    const { rule } = compileRule({ action: 'keep', sourceLabels: ['a'], line: 7 });
    assert.ok(rule !== undefined);
    assert.equal(describeDrop(reason, { ...(await jobOf({})), relabelRules: [rule] }), text);
  });
}
