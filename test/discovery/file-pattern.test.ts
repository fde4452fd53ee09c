import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listFiles } from '../../src/discovery/file/file-pattern.ts';
import { countCpuMs } from '../support/cpu-time.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const FILES = [
  'a.json',
  'ab.json',
  'b.yml',
  '.h.json',
  'a*.json',
  't1.json',
  't2.json',
  't10.json',
  'é.json',
  '😀.json',
  'a-b_c.json',
];

/** What Go's filepath.Glob finds among these files. */
const rows: readonly [pattern: string, found: readonly string[]][] = [
  ['a.json', ['a.json']],
  ['*.yml', ['b.yml']],
  [
    '*.json',
    ['.h.json', 'a*.json', 'a-b_c.json', 'a.json', 'ab.json', 't1.json', 't10.json', 't2.json', 'é.json', '😀.json'],
  ],
  ['t?.json', ['t1.json', 't2.json']],
  ['?.json', ['a.json', 'é.json', '😀.json']],
  ['t[1].json', ['t1.json']],
  ['t[12].json', ['t1.json', 't2.json']],
  ['t[0-1].json', ['t1.json']],
  ['t[^1].json', ['t2.json']],
  ['[!a].json', ['a.json']],
  ['a\\*.json', ['a*.json']],
  ['a[*].json', ['a*.json']],
  ['[\\a].json', ['a.json']],
  ['*_*.json', ['a-b_c.json']],
  ['a*b*c*.json', ['a-b_c.json']],
  ['*a*.json', ['a*.json', 'a-b_c.json', 'a.json', 'ab.json']],
  ['*1*', ['t1.json', 't10.json']],
  ['none*.json', []],
];
for (const [pattern, found] of rows) {
  test(`${pattern} finds ${found.join(' ') || 'nothing'}`, async (t) => {
    const dir = temporaryDirectory(t);
    for (const name of FILES) writeFileSync(join(dir, name), '');
    const listing = await listFiles(`${dir}/${pattern}`);
    assert.deepEqual(listing, { type: 'found', paths: found.map((name) => `${dir}/${name}`) });
  });
}

for (const pattern of ['[', 'a[', '[]', '[]a]', '[-]', '[a-]', '[a', 'a\\']) {
  test(`${pattern} is not a pattern`, async (t) => {
    const listing = await listFiles(`${temporaryDirectory(t)}/${pattern}`);
    assert.ok(listing.type === 'broken');
    assert.equal(listing.error.code, 'SD_FILE_PATTERN');
  });
}

test('characters of patterns mean themselves in the directory', async (t) => {
  const dir = join(temporaryDirectory(t), '[id]');
  mkdirSync(dir);
  writeFileSync(join(dir, 'x.json'), '');
  assert.deepEqual(await listFiles(`${dir}/*.json`), { type: 'found', paths: [`${dir}/x.json`] });
});

test('a plain file that is not there, and a directory that is not there', async (t) => {
  const dir = temporaryDirectory(t);
  assert.deepEqual(await listFiles(`${dir}/x.json`), { type: 'missing', message: `there is no file ${dir}/x.json` });
  assert.deepEqual(await listFiles(`${dir}/no/*.json`), {
    type: 'missing',
    message: `there is no directory ${dir}/no/`,
  });
});

test('many stars take no time to speak of', async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'a'.repeat(250)), '');
  const cpuMs = countCpuMs();
  assert.deepEqual(await listFiles(`${dir}/${'a*'.repeat(60)}b.json`), { type: 'found', paths: [] });
  assert.ok(cpuMs() < 500);
});
