import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { SinkError } from '../../src/errors.ts';
import { createFileSink } from '../../src/sinks/file/file-sink.ts';
import { readIndex } from '../../src/sinks/file/read-index.ts';
import type { FinishedProfile } from '../../src/sinks/sink.ts';
import { runWithFileSizeLimit } from '../support/file-size-limit.ts';
import { finishedProfile } from '../support/finished-profile.ts';
import { moduleUrl, runModule } from '../support/source-module.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Relative paths of all files under a directory. */
function filesOf(dir: string): string[] {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();
}

async function writeAll(dir: string, profiles: readonly FinishedProfile[], fsync = false) {
  const sink = await createFileSink({ dir, fsync });
  const receipts = [];
  for (const profile of profiles) receipts.push(await sink.write(profile));
  await sink.close();
  return receipts;
}

const places = [
  { what: 'its labels', profile: finishedProfile(), path: 'shop/checkout/localhost_6060/cpu' },
  {
    what: 'service_name rather than __name__',
    profile: finishedProfile({ labels: { __name__: 'a', service_name: 'b', job: 'j', instance: 'i' } }),
    path: 'j/b/i/cpu',
  },
  {
    what: 'the target where labels are missing',
    profile: finishedProfile({ labels: {}, profileName: 'mem' }),
    path: 'shop/unknown_service/localhost_6060/mem',
  },
];
for (const { what, profile, path } of places) {
  test(`puts a profile where ${what} say`, async (t) => {
    const dir = temporaryDirectory(t);
    const [receipt] = await writeAll(dir, [profile]);
    assert.equal(receipt?.path, `${path}/20261122T101500.000Z.pb.gz`);
    assert.deepEqual(readFileSync(join(dir, receipt.path)), profile.body);
    assert.equal(receipt.bytes, profile.body.length);
  });
}

test('writes one line for each file into the index, fields in a fixed order', async (t) => {
  const dir = temporaryDirectory(t);
  const profile = finishedProfile({
    untilNanos: 1_795_342_500_000_000_001n,
    isReset: true,
    target: { url: 'http://localhost:6060/debug/pprof/profile?seconds=10&token=hunter2' },
  });
  const receipts = await writeAll(dir, [profile, finishedProfile({ profileName: 'mem' })]);
  const lines = readFileSync(join(dir, 'index.ndjson'), 'utf8').split('\n');
  assert.equal(lines.length, 3);
  assert.equal(lines[2], '');
  const sha256 = createHash('sha256').update(profile.body).digest('hex');
  assert.equal(
    lines[0],
    '{"path":"shop/checkout/localhost_6060/cpu/20261122T101500.000Z.pb.gz","profile":"cpu",' +
      '"labels":{"__name__":"checkout","env":"dev","instance":"localhost:6060","job":"shop"},' +
      '"url":"http://localhost:6060/debug/pprof/profile?seconds=10&token=xxxxx",' +
      '"from":"2026-11-22T10:14:50.000Z","until":"2026-11-22T10:15:00.000000001Z",' +
      '"sampleTypes":[{"type":"samples","unit":"count"},{"type":"cpu","unit":"nanoseconds"}],' +
      `"samples":3,"bytes":${profile.body.length},"sha256":"${sha256}","reset":true,"partial":false,"kind":"window","spyName":"gospy"}`,
  );
  assert.deepEqual(receipts[0]?.entry, JSON.parse(lines[0] ?? ''));
});

test('goes on with the index of an earlier run', async (t) => {
  const dir = temporaryDirectory(t);
  await writeAll(dir, [finishedProfile()]);
  await writeAll(dir, [finishedProfile({ profileName: 'mem' })]);
  assert.equal(readFileSync(join(dir, 'index.ndjson'), 'utf8').split('\n').length, 3);
});

test('never writes outside of the directory, whatever the labels are', async (t) => {
  const dir = temporaryDirectory(t);
  const labels = { job: '../../x', service_name: '/etc', instance: '..', __name__: 'n' };
  await writeAll(join(dir, 'out'), [finishedProfile({ labels, profileName: '../..' })]);
  assert.deepEqual(readdirSync(dir), ['out']);
  assert.equal(filesOf(join(dir, 'out')).length, 2);
});

test('keeps a job apart from the index', async (t) => {
  const dir = temporaryDirectory(t);
  const labels = { job: 'index.ndjson', __name__: 'n', instance: 'i' };
  const [receipt] = await writeAll(dir, [finishedProfile({ labels })]);
  assert.match(receipt?.path ?? '', /^_index\.ndjson-/);
});

test('never overwrites: the name of a second target gets its identity, then numbers', async (t) => {
  const dir = temporaryDirectory(t);
  const bodies = ['one', 'two', 'three', 'four'].map((text) => gzipSync(text));
  const receipts = await writeAll(
    dir,
    bodies.map((body) => finishedProfile({ body })),
  );
  const names = receipts.map(({ path }) => path?.split('/').at(-1));
  assert.deepEqual(names, [
    '20261122T101500.000Z.pb.gz',
    '20261122T101500.000Z-01234567.pb.gz',
    '20261122T101500.000Z-01234567-2.pb.gz',
    '20261122T101500.000Z-01234567-3.pb.gz',
  ]);
  for (const [at, body] of bodies.entries()) assert.deepEqual(readFileSync(join(dir, receipts[at]?.path ?? '')), body);
});

test('never overwrites what another sink on the directory has written', async (t) => {
  const dir = temporaryDirectory(t);
  const sinks = await Promise.all([1, 2, 3].map(() => createFileSink({ dir, fsync: true })));
  const writes = sinks.flatMap((sink) => Array.from({ length: 20 }, () => sink.write(finishedProfile())));
  const paths = (await Promise.all(writes)).map((receipt) => receipt.path);
  await Promise.all(sinks.map((sink) => sink.close()));
  assert.equal(new Set(paths).size, 60);
  assert.equal(filesOf(dir).length, 61);
});

test('writes the same with fsync', async (t) => {
  const dir = temporaryDirectory(t);
  const [plain] = await writeAll(join(dir, 'plain'), [finishedProfile()]);
  const [synced] = await writeAll(join(dir, 'a/b/synced'), [finishedProfile()], true);
  assert.deepEqual(synced, plain);
  for (const file of filesOf(join(dir, 'plain'))) {
    assert.deepEqual(readFileSync(join(dir, 'a/b/synced', file)), readFileSync(join(dir, 'plain', file)));
  }
});

test('leaves no temporary file, and modes 0644 under 0755', async (t) => {
  const dir = temporaryDirectory(t);
  const umask = process.umask(0o022);
  const [receipt] = await writeAll(join(dir, 'out'), [finishedProfile()]).finally(() => process.umask(umask));
  const path = join(dir, 'out', receipt?.path ?? '');
  assert.deepEqual(filesOf(join(dir, 'out')), ['index.ndjson', receipt?.path]);
  assert.equal(statSync(path).mode & 0o777, 0o644);
  assert.equal(statSync(join(dir, 'out/index.ndjson')).mode & 0o777, 0o644);
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o755);
  assert.equal(statSync(join(dir, 'out')).mode & 0o777, 0o755);
});

test('removes what a killed process left, and nothing else', async (t) => {
  const dir = temporaryDirectory(t);
  const old = new Date(Date.now() - 120_000);
  const names = [
    '.pyro-pull-0a1b2c3d-7.tmp',
    '.pyro-pull-0a1b2c3d-8.tmp',
    '.pyro-pull-notes.tmp',
    'other.tmp',
    '.x.tmp',
  ];
  for (const name of names) {
    writeFileSync(join(dir, name), 'half');
    if (name !== '.pyro-pull-0a1b2c3d-8.tmp') utimesSync(join(dir, name), old, old); // that one may be being written
  }
  mkdirSync(join(dir, '.pyro-pull-0a1b2c3d-9.tmp'));
  utimesSync(join(dir, '.pyro-pull-0a1b2c3d-9.tmp'), old, old);
  await writeAll(dir, []);
  assert.deepEqual(readdirSync(dir).sort(), [
    '.pyro-pull-0a1b2c3d-8.tmp',
    '.pyro-pull-0a1b2c3d-9.tmp',
    '.pyro-pull-notes.tmp',
    '.x.tmp',
    'index.ndjson',
    'other.tmp',
  ]);
});

test('makes the directory again when somebody removes it during the run', async (t) => {
  const dir = temporaryDirectory(t);
  const sink = await createFileSink({ dir });
  await sink.write(finishedProfile());
  rmSync(dir, { recursive: true });
  const receipt = await sink.write(finishedProfile());
  await sink.close();
  assert.deepEqual(filesOf(dir), ['index.ndjson', receipt.path]);
  assert.equal(readFileSync(join(dir, 'index.ndjson'), 'utf8').split('\n').length, 2);
});

const OTHER_DEVICE = '/dev/shm';
const isOtherDevice = existsSync(OTHER_DEVICE) && statSync(OTHER_DEVICE).dev !== statSync(tmpdir()).dev;
test('writes into a directory that is on another device', { skip: !isOtherDevice }, async (t) => {
  const dir = temporaryDirectory(t);
  const elsewhere = mkdtempSync(join(OTHER_DEVICE, 'pyro-pull-test-'));
  t.after(() => rmSync(elsewhere, { recursive: true }));
  symlinkSync(elsewhere, join(dir, 'shop'));
  const receipts = await writeAll(dir, [finishedProfile(), finishedProfile()]);
  assert.deepEqual(filesOf(elsewhere), receipts.map(({ path }) => path?.slice('shop/'.length)).sort());
  // From Node 22 on, listing a directory follows the link.
  const here = filesOf(dir).filter((path) => !path.startsWith('shop/'));
  assert.deepEqual(here, ['index.ndjson', 'shop']);
});

test('keeps files and index whole when the process is killed', async (t) => {
  const dir = temporaryDirectory(t);
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, runModule('test/support/write-for-ever.ts', dir, `${round}`));
    await once(child.stdout, 'data'); // it is in full swing
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await writeAll(dir, [finishedProfile({ labels: { job: 'after' } })]);
  const indexed: string[] = [];
  for await (const { path, sha256 } of readIndex(dir, (line, text) => assert.fail(`line ${line}: ${text}`))) {
    assert.equal(
      createHash('sha256')
        .update(readFileSync(join(dir, path)))
        .digest('hex'),
      sha256,
      path,
    );
    indexed.push(path);
  }
  const files = filesOf(dir).filter((file) => file.endsWith('.pb.gz'));
  for (const file of files) gunzipSync(readFileSync(join(dir, file)));
  assert.ok(indexed.length > 100, `${indexed.length} files`);
  // Each kill may come between a file and its line.
  assert.ok(files.length - indexed.length <= 3, `${files.length} files, ${indexed.length} lines`);
});

test('refuses a directory that is a file, naming it', async (t) => {
  const file = join(temporaryDirectory(t), 'file');
  writeFileSync(file, '');
  for (const dir of [file, join(file, 'below')]) {
    await assert.rejects(createFileSink({ dir }), (error: unknown) => {
      assert.ok(error instanceof SinkError);
      assert.equal(error.code, 'NOT_A_DIRECTORY');
      assert.ok(error.message.startsWith(`cannot write ${dir}: `), error.message);
      return true;
    });
  }
});

test('says where a file stands in the way of a directory, and leaves nothing', async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'shop'), 'in the way');
  const sink = await createFileSink({ dir });
  await assert.rejects(sink.write(finishedProfile()), { code: 'NOT_A_DIRECTORY' });
  await sink.write(finishedProfile({ labels: { job: 'other' } })); // others go on
  await sink.close();
  assert.deepEqual(
    filesOf(dir).filter((file) => !file.startsWith('other/')),
    ['index.ndjson', 'shop'],
  );
});

test('takes a file back when the index cannot be written', { skip: process.platform === 'win32' }, async (t) => {
  const dir = temporaryDirectory(t);
  const out = join(dir, 'out');
  const [first] = await writeAll(out, [finishedProfile()]);
  writeFileSync(join(out, 'index.ndjson'), `${'x'.repeat(8_000)}\n`);
  const url = (path: string) => JSON.stringify(moduleUrl(path));
  const printed = runWithFileSizeLimit(
    dir,
    8, // room for the file, not for the line
    `const { createFileSink } = await import(${url('src/sinks/file/file-sink.ts')});
    const { finishedProfile } = await import(${url('test/support/finished-profile.ts')});
    const sink = await createFileSink({ dir: ${JSON.stringify(out)} });
    await sink.write(finishedProfile()).catch((error) => console.log(error.name, error.code, error.message));`,
  );
  // Not the profile's own directory: what is true of every file reads the same for each.
  assert.equal(
    printed,
    `SinkError FILE_TOO_BIG cannot write ${out}: the file would be larger than the system allows\n`,
  );
  assert.deepEqual(filesOf(out), ['index.ndjson', first?.path]);
  assert.equal(statSync(join(out, 'index.ndjson')).size, 8_001);
});

test('leaves nothing of a file that could not be written whole', { skip: process.platform === 'win32' }, (t) => {
  const dir = temporaryDirectory(t);
  const out = join(dir, 'out');
  const url = (path: string) => JSON.stringify(moduleUrl(path));
  const printed = runWithFileSizeLimit(
    dir,
    8,
    `const { createFileSink } = await import(${url('src/sinks/file/file-sink.ts')});
    const { finishedProfile } = await import(${url('test/support/finished-profile.ts')});
    for (const fsync of [false, true]) {
      const sink = await createFileSink({ dir: ${JSON.stringify(out)}, fsync });
      await sink.write(finishedProfile({ body: new Uint8Array(9_000) })).catch((error) => console.log(error.code));
    }`,
  );
  assert.equal(printed, 'FILE_TOO_BIG\nFILE_TOO_BIG\n');
  assert.deepEqual(filesOf(out), ['index.ndjson']);
});

test('refuses a directory without permission', {
  skip: process.getuid?.() === 0 && 'root may write anywhere',
}, async (t) => {
  const dir = temporaryDirectory(t);
  chmodSync(dir, 0o555);
  await assert.rejects(createFileSink({ dir: join(dir, 'out') }), { code: 'PERMISSION_DENIED' });
});

test('finishes what it accepted before it is closed', async (t) => {
  const dir = temporaryDirectory(t);
  const sink = await createFileSink({ dir, fsync: true });
  const writing = sink.write(finishedProfile());
  await sink.close();
  await sink.close();
  assert.ok(existsSync(join(dir, (await writing).path ?? '')));
  await assert.rejects(sink.write(finishedProfile()));
});
