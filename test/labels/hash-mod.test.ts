import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashMod, MAX_MODULUS } from '../../src/labels/hash-mod.ts';

/** Computed by Prometheus. The number is always below the largest modulus, so that modulus shows it whole. */
const rows: readonly [value: string, number: string, mod2: string, mod4: string][] = [
  ['', '16825458760271544958', '0', '2'],
  ['foo', '17145033699835028696', '0', '0'],
  ['foo;bar', '15973639978189266750', '0', '2'],
  ['10.0.0.1:6060', '4419560990580536629', '1', '1'],
  ['10.0.0.2:6060', '477085803623262908', '0', '0'],
  ['żółw', '15091224558239587777', '1', '1'],
];

for (const [value, number, mod2, mod4] of rows) {
  test(`hashes ${JSON.stringify(value)}`, () => {
    assert.deepEqual([hashMod(value, MAX_MODULUS), hashMod(value, 2n), hashMod(value, 4n)], [number, mod2, mod4]);
  });
}
