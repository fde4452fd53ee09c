import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';

// The page lives in a browser: what it may use are the types of the DOM, not those of Node, so it has a project of its own.
test('the page passes its own type check', () => {
  const root = resolve(import.meta.dirname, '../..');
  const tsc = resolve(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '--project', 'src/status/page'], { cwd: root });
  assert.equal(status, 0, stdout.toString());
});
