import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateSpacing } from '../../src/discovery/update-spacing.ts';

test('a wall clock that was set back holds up no update', () => {
  const spacing = new UpdateSpacing();
  spacing.handedOn(10_000_000);
  assert.equal(spacing.delayMs(10_000_000 - 3_600_000), 100);
});
