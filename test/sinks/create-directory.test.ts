import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDirectory } from '../../src/create-directory.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('parents are created too, for everybody, and the topmost new one is told', (t) => {
  const dir = temporaryDirectory(t);
  mkdirSync(join(dir, 'there'));
  assert.equal(createDirectory(join(dir, 'there/a/b'), 0o700), join(dir, 'there/a'));
  assert.equal(modeOf(join(dir, 'there/a')), 0o755);
  assert.equal(modeOf(join(dir, 'there/a/b')), 0o700);
});

test('the umask is respected, for parents too', (t) => {
  const dir = temporaryDirectory(t);
  const before = process.umask(0o027);
  t.after(() => process.umask(before));
  createDirectory(join(dir, 'a/b'), 0o755);
  assert.equal(modeOf(join(dir, 'a')), 0o750);
  assert.equal(modeOf(join(dir, 'a/b')), 0o750);
});

test('a directory that is there stays, also through a link', (t) => {
  const dir = temporaryDirectory(t);
  symlinkSync(dir, join(dir, 'link'));
  assert.equal(createDirectory(dir, 0o755), undefined);
  assert.equal(createDirectory(join(dir, 'link'), 0o755), undefined);
  assert.equal(createDirectory('/', 0o755), undefined);
});

test('a file, or a link to nothing, in the way is an error', (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'file'), '');
  symlinkSync(join(dir, 'nothing'), join(dir, 'dangling'));
  assert.throws(() => createDirectory(join(dir, 'file'), 0o755), { code: 'EEXIST' });
  assert.throws(() => createDirectory(join(dir, 'file/below'), 0o755), { code: 'ENOTDIR' });
  assert.throws(() => createDirectory(join(dir, 'dangling'), 0o755), { code: 'EEXIST' });
});

// Node's mkdir with `recursive` goes on for ever here.
test('a file system that takes no directories is an error', { skip: !existsSync('/proc/self') }, () => {
  assert.throws(() => createDirectory('/proc/new', 0o755), { code: 'ENOENT' });
  assert.throws(() => createDirectory('/proc/new/below', 0o755), { code: 'ENOENT' });
});

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}
