import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeError } from '../../src/sinks/file/write-error.ts';
import { writeFileWhole } from '../../src/sinks/file/write-file.ts';
import { makePipe } from '../support/make-pipe.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const BODY = Buffer.from('whole');

test('writes a file that the user named, over an old one, and leaves nothing beside it', (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, 'out.pb.gz');
  writeFileWhole(path, Buffer.from('an older and longer one'));
  writeFileWhole(path, BODY);
  assert.deepEqual(readFileSync(path), BODY);
  assert.deepEqual(readdirSync(dir), ['out.pb.gz']);
});

test('writes through a symbolic link', (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'real'), '');
  symlinkSync('real', join(dir, 'link'));
  writeFileWhole(join(dir, 'link'), BODY);
  assert.deepEqual(readFileSync(join(dir, 'real')), BODY);
  assert.ok(lstatSync(join(dir, 'link')).isSymbolicLink());
});

test('writes into a pipe without putting a file in its place', { skip: process.platform === 'win32' }, (t) => {
  const pipe = join(temporaryDirectory(t), 'pipe');
  makePipe(pipe);
  const reader = openSync(pipe, constants.O_RDWR); // so that nobody waits for the other end
  writeFileWhole(pipe, BODY);
  assert.ok(statSync(pipe).isFIFO());
  const read = Buffer.alloc(BODY.length);
  readSync(reader, read);
  closeSync(reader);
  assert.deepEqual(read, BODY);
});

test('refuses a directory, and a directory that is missing', (t) => {
  const dir = temporaryDirectory(t);
  mkdirSync(join(dir, 'sub'));
  assert.throws(() => writeFileWhole(join(dir, 'sub'), BODY), { code: 'IS_A_DIRECTORY' });
  assert.throws(() => writeFileWhole(join(dir, 'missing', 'out'), BODY), {
    code: 'NO_SUCH_DIRECTORY',
    message: `cannot write ${join(dir, 'missing', 'out')}: no such directory`,
  });
  assert.deepEqual(readdirSync(dir), ['sub']);
});

const faults = [
  { errno: 'ENOSPC', code: 'DISK_FULL', words: 'no space left on the device' },
  { errno: 'EDQUOT', code: 'DISK_FULL', words: 'disk quota exceeded' },
  { errno: 'EACCES', code: 'PERMISSION_DENIED', words: 'permission denied' },
  { errno: 'EROFS', code: 'READ_ONLY', words: 'the file system is read-only' },
  { errno: 'ENOTDIR', code: 'NOT_A_DIRECTORY', words: 'a part of the path is no directory' },
  { errno: 'EMFILE', code: 'TOO_MANY_OPEN_FILES', words: 'too many open files' },
  { errno: 'EUNHEARDOF', code: 'WRITE_FAILED', words: 'as the system says' },
];
for (const { errno, code, words } of faults) {
  test(`says ${errno} in words`, () => {
    const error = writeError('/out', Object.assign(new Error('as the system says'), { code: errno }));
    assert.equal(error.code, code);
    assert.equal(error.message, `cannot write /out: ${words}`);
  });
}
