import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from './support/places.ts';
import { runCommand } from './support/run-command.ts';

test('twenty seconds of fuzzing, with a new seed each time, find nothing in the readers and the delta engine', async (t) => {
  const fuzz = join(REPOSITORY, 'test/fuzz/fuzz.ts');
  const { code, stdout, stderr } = await runCommand([process.execPath, '--import', 'tsx', fuzz, '--seconds', '20'], {
    cwd: REPOSITORY,
  });
  t.diagnostic(stdout.trimEnd().split('\n').at(-1) ?? '');
  assert.equal(code, 0, stdout + stderr);
});
