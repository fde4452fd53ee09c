import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatMeta, parseMeta, seriesOf } from '../../src/sinks/queue/entry-meta.ts';
import { entryName, parseEntryName } from '../../src/sinks/queue/entry-name.ts';
import { CorruptEntryError, QueueDirectory } from '../../src/sinks/queue/queue-directory.ts';
import { BODY, labelsOf, metaOf, scratchDir } from '../support/queue-fixtures.ts';

async function openQueue(t: TestContext, dir: string, sync: number | 'always' = 60_000) {
  const opened = await QueueDirectory.open(dir, {
    sync,
    now: () => Date.UTC(2026, 10, 22, 10, 15, 0, 123),
    onSyncError: (error) => {
      throw error;
    },
  });
  t.after(() => opened.queue.close().catch(() => {}));
  return opened;
}

/** Opens the queue, lets `use` work with it, closes it. */
async function withQueue<T>(
  t: TestContext,
  dir: string,
  use: (opened: Awaited<ReturnType<typeof openQueue>>) => Promise<T>,
): Promise<T> {
  const opened = await openQueue(t, dir);
  try {
    return await use(opened);
  } finally {
    await opened.queue.close();
  }
}

test('an entry is a plain profile and a description beside it', async (t) => {
  const dir = await scratchDir(t);
  const { queue } = await openQueue(t, dir);
  const entry = await queue.put(metaOf(), BODY);
  assert.match(entry.name, /^20261122T101500\.123000Z-[0-9a-f]{16}$/);
  assert.deepEqual(await readFile(join(dir, `${entry.name}.pb.gz`)), Buffer.from(BODY));
  const description: unknown = JSON.parse(await readFile(join(dir, `${entry.name}.json`), 'utf8'));
  assert.deepEqual(description, {
    version: 1,
    profile: 'cpu',
    labels: { __name__: 'shop', instance: 'a:6060' },
    from: '2025-11-22T10:00:00.000000001Z',
    until: '2025-11-22T10:00:10.000000002Z',
    spyName: 'gospy',
    sampleTypes: [{ type: 'samples', unit: 'count' }],
    columns: { samples: { displayName: 'cpu', units: 'samples', aggregation: 'sum' } },
    samples: 3,
    bytes: 4,
    pprofBytes: 100,
    sampleRate: 100,
    queuedAt: '2025-11-22T10:00:11.000Z',
  });
  assert.equal((await stat(join(dir, `${entry.name}.json`))).mode & 0o777, 0o600);
  assert.equal((await stat(dir)).mode & 0o077, 0);
  const size = (await stat(join(dir, `${entry.name}.json`))).size;
  assert.equal(entry.bytes, size + BODY.length);
});

test('a queue opened again knows all its entries, oldest first', async (t) => {
  const dir = await scratchDir(t);
  const put = await withQueue(t, dir, async ({ queue }) => {
    const entries = [];
    for (const instance of ['c', 'a', 'b', 'a'])
      entries.push(await queue.put(metaOf({ labels: labelsOf(instance) }), BODY));
    return entries;
  });
  const { queue, contents } = await openQueue(t, dir);
  assert.deepEqual(contents.entries, put);
  const next = await queue.put(metaOf(), BODY);
  assert.ok(next.order > (put.at(-1)?.order ?? 0), 'the clock stood still, the order did not');
});

test('reading gives back what was written', async (t) => {
  const { queue } = await openQueue(t, await scratchDir(t));
  const meta = metaOf({ pushId: 'abc', refusals: 2, answer: 'no "way"', labels: new Map([['__proto__', 'x,}\n"é']]) });
  const entry = await queue.put(meta, BODY);
  const found = await queue.read(entry);
  assert.deepEqual(found?.meta, meta);
  assert.deepEqual([...(found?.body ?? [])], [...BODY]);
});

test('an entry that a person took away is gone, not an error', async (t) => {
  for (const part of ['.json', '.pb.gz']) {
    const dir = await scratchDir(t);
    const { queue } = await openQueue(t, dir);
    const entry = await queue.put(metaOf(), BODY);
    await rm(join(dir, entry.name + part));
    assert.equal(await queue.read(entry), undefined);
  }
});

test('an entry that a person moved into another queue is taken from there', async (t) => {
  const [from, to] = [await scratchDir(t), await scratchDir(t)];
  const entry = await withQueue(t, from, ({ queue }) => queue.put(metaOf(), BODY));
  await mkdir(to, { recursive: true });
  for (const part of ['.json', '.pb.gz']) await rename(join(from, entry.name + part), join(to, `mine${part}`));
  const { queue, contents } = await openQueue(t, to);
  const [moved] = contents.entries;
  assert.ok(moved);
  assert.deepEqual((await queue.read(moved))?.meta, metaOf());
});

const damages = [
  {
    name: 'a body cut short',
    damage: (base: string) => truncate(`${base}.pb.gz`, 2),
    says: /has 2 bytes instead of 4/,
  },
  { name: 'an empty description', damage: (base: string) => truncate(`${base}.json`, 0), says: /JSON/ },
  { name: 'zeros for a description', damage: (base: string) => writeFile(`${base}.json`, '\0\0\0'), says: /JSON/ },
  {
    name: 'a description of something else',
    damage: (base: string) => writeFile(`${base}.json`, '[]'),
    says: /version/,
  },
  {
    name: 'a time that is none',
    damage: async (base: string) =>
      writeFile(`${base}.json`, (await readFile(`${base}.json`, 'utf8')).replace('"2025-11-22T10:00:00', '"yesterday')),
    says: /from is not a time/,
  },
];
for (const { name, damage, says } of damages) {
  test(`${name} is corrupt and can be set aside`, async (t) => {
    const dir = await scratchDir(t);
    const { queue } = await openQueue(t, dir);
    const entry = await queue.put(metaOf(), BODY);
    await damage(join(dir, entry.name));
    await assert.rejects(queue.read(entry), (error: unknown) => {
      assert.ok(error instanceof CorruptEntryError);
      assert.match(error.message, says);
      return true;
    });
    queue.setAside(entry);
    assert.deepEqual((await readdir(join(dir, 'corrupt'))).sort(), [`${entry.name}.json`, `${entry.name}.pb.gz`]);
  });
}

/** Every state that a kill can leave behind, as files; what the next run makes of it. */
const kills = [
  { moment: 'writing: description begun', files: ['.N.json.tmp'], entries: 0, left: [] },
  { moment: 'writing: body begun', files: ['.N.json.tmp', 'N.pb.gz'], entries: 0, left: [] },
  { moment: 'written', files: ['N.json', 'N.pb.gz'], entries: 1, left: ['N.json', 'N.pb.gz'] },
  { moment: 'removing: body gone', files: ['N.json'], entries: 0, left: [] },
  { moment: 'noting an answer', files: ['N.json', 'N.pb.gz', '.N.json.new'], entries: 1, left: ['N.json', 'N.pb.gz'] },
  {
    moment: 'rejecting: description there',
    files: ['N.json', 'N.pb.gz', 'rejected/N.json'],
    entries: 1,
    left: ['N.json', 'N.pb.gz'],
  },
  { moment: 'rejecting: body there', files: ['N.json', 'rejected/N.json', 'rejected/N.pb.gz'], entries: 0, left: [] },
];
for (const { moment, files, entries, left } of kills) {
  test(`killed while ${moment}`, async (t) => {
    const dir = await scratchDir(t);
    await mkdir(join(dir, 'rejected'));
    const name = '20261122T101500.123000Z-0123456789abcdef';
    for (const file of files) {
      const content = file.endsWith('.pb.gz') ? BODY : formatMeta(metaOf());
      await writeFile(join(dir, file.replace('N', name)), content);
    }
    const { contents } = await openQueue(t, dir);
    assert.equal(contents.entries.length, entries);
    assert.deepEqual(contents.orphans, []);
    const found = (await readdir(dir)).filter((file) => !file.startsWith('.lock') && file.includes('2026'));
    assert.deepEqual(
      found.sort(),
      left.map((file) => file.replace('N', name)),
    );
  });
}

test('a body without a description is set aside and told', async (t) => {
  const dir = await scratchDir(t);
  await writeFile(join(dir, 'lonely.pb.gz'), BODY);
  const { contents } = await openQueue(t, dir);
  assert.deepEqual(contents.orphans, ['lonely']);
  assert.deepEqual(await readdir(join(dir, 'corrupt')), ['lonely.pb.gz']);
});

test('a rejected entry keeps the reason beside the profile', async (t) => {
  const dir = await scratchDir(t);
  const name = await withQueue(t, dir, async ({ queue }) => {
    const entry = await queue.put(metaOf(), BODY);
    await queue.reject(entry, metaOf({ answer: 'HTTP 400: too big' }));
    return entry.name;
  });
  assert.match(await readFile(join(dir, 'rejected', `${name}.json`), 'utf8'), /"answer": "HTTP 400: too big"/);
  const { contents } = await openQueue(t, dir);
  assert.equal(contents.entries.length, 0);
  assert.equal(contents.rejected.length, 1);
});

test('a second process is told who has the queue', async (t) => {
  const dir = await scratchDir(t);
  await openQueue(t, dir);
  await assert.rejects(openQueue(t, dir), { name: 'StateError', code: 'LOCKED' });
});

test('with sync always an entry is there, too', async (t) => {
  const { queue } = await openQueue(t, await scratchDir(t), 'always');
  const entries = await Promise.all([1, 2, 3].map(() => queue.put(metaOf(), BODY)));
  for (const entry of entries) assert.ok(await queue.read(entry));
});

test('a full disk leaves nothing behind', async (t) => {
  const dir = await scratchDir(t);
  const { queue } = await openQueue(t, dir);
  // A directory where the body should go stands in for every way in which writing can fail.
  await mkdir(
    join(dir, `${entryName(Date.UTC(2026, 10, 22, 10, 15, 0, 123) * 1000, seriesOf('cpu', metaOf().labels))}.pb.gz`),
  );
  await assert.rejects(queue.put(metaOf(), BODY));
  assert.deepEqual(
    (await readdir(dir)).filter((name) => name.endsWith('.tmp') || name.endsWith('.json')),
    [],
  );
});

test('names sort in the order of time', () => {
  const orders = [1, 999_999, 1_000_000, 1_763_805_600_000_000, 1_763_805_600_000_001, 1_763_805_601_000_000];
  const names = orders.map((order) => entryName(order, '0123456789abcdef'));
  assert.deepEqual([...names].sort(), names);
  for (const [index, name] of names.entries()) {
    assert.deepEqual(parseEntryName(name, 0), { order: orders[index], series: '0123456789abcdef' });
  }
});

test('a description that a person edited is read with the field named', () => {
  const text = formatMeta(metaOf());
  assert.throws(() => parseMeta(text.replace('"gospy"', '7')), /spyName is not a text/);
  assert.throws(() => parseMeta(text.replace('"shop"', '7')), /labels\.__name__ is not a text/);
  assert.throws(() => parseMeta(text.replace('"unit"', '"u"')), /sampleTypes\[0\]\.unit is not a text/);
});
