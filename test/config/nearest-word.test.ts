import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestWord } from '../../src/config/nearest-word.ts';

const KNOWN = ['enabled-profiles', 'scrape-interval', 'scrape-timeout', 'scheme', 'pod', 'regex'];

const rows: readonly (readonly [written: string, meant: string | undefined])[] = [
  ['enabled_profile', 'enabled-profiles'],
  ['Scrape-Interval', 'scrape-interval'],
  ['scrape_timout', 'scrape-timeout'],
  ['shceme', 'scheme'],
  ['pods', 'pod'],
  ['regexp', 'regex'],
  ['wibble', undefined],
  ['', undefined],
  ['x'.repeat(1000), undefined],
];
for (const [written, meant] of rows) {
  test(`"${written.slice(0, 20)}" is taken for ${meant ?? 'nothing known'}`, () => {
    assert.equal(nearestWord(written, KNOWN), meant);
  });
}
