import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DiscoveryConfig } from '../../src/config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import { discoverJob, discoverOnce } from '../../src/discovery/discover-job.ts';
import { UpdateSpacing } from '../../src/discovery/update-spacing.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SIGNAL = new AbortController().signal;

function statics(...addresses: string[]): DiscoveryConfig {
  const group = { targets: addresses, labels: new Map([['env', 'dev']]), application: 'app', spyName: 'gospy' };
  return {
    mechanism: 'static',
    groups: [group, { ...group, targets: [], application: undefined, spyName: undefined }],
  };
}

function files(...paths: string[]): DiscoveryConfig {
  return { mechanism: 'file', files: paths, refreshIntervalMs: 300_000 };
}

const http: DiscoveryConfig = {
  mechanism: 'http',
  url: 'http://127.0.0.1:1/', // nobody listens
  refreshIntervalMs: 60_000,
  http: DEFAULT_HTTP_CLIENT,
};

test('static groups become target groups with their place as source', async () => {
  const { groups, failures, warnings } = await discoverOnce(
    { discovery: [statics('a:1', '')] },
    { signal: SIGNAL, timeoutMs: 1000 },
  );
  assert.deepEqual([failures, warnings], [[], []]);
  assert.deepEqual(groups, [
    {
      source: 'static-configs[0]',
      targets: [
        new Map([
          ['__address__', 'a:1'],
          ['__name__', 'app'],
          ['__spy_name__', 'gospy'],
        ]),
        new Map([
          ['__name__', 'app'],
          ['__spy_name__', 'gospy'],
        ]),
      ],
      labels: new Map([['env', 'dev']]),
    },
    { source: 'static-configs[1]', targets: [], labels: new Map([['env', 'dev']]) },
  ]);
});

test('one mechanism that fails leaves the groups of the others, and is named by its place in the config', async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[{"targets":["f:1"]}]');
  const discovery = [statics('s:1'), files(path), files(`${path}x.json`), http];
  const { groups, failures } = await discoverOnce({ discovery }, { signal: SIGNAL, timeoutMs: 5000 });
  assert.deepEqual(
    groups.map(({ source }) => source),
    ['static-configs[0]', 'static-configs[1]', `${path}:0`],
  );
  assert.deepEqual(
    failures.map(({ code, message }) => [code, message.replace(/;.*/, '')]),
    [
      ['SD_FILE_MISSING', `file-sd-configs[1]: there is no file ${path}x.json`],
      ['SD_HTTP_FAILED', 'http-sd-configs[0]: http://127.0.0.1:1/: connection refused'],
    ],
  );
});

test('a mechanism that does not answer in time is a failure', async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[');
  // The half-written file is given another 200 ms, which is longer than the limit.
  const discovery = [files(path), statics('s:1')];
  const { groups, failures } = await discoverOnce({ discovery }, { signal: SIGNAL, timeoutMs: 20 });
  assert.equal(groups.length, 2);
  assert.deepEqual(
    failures.map(({ code, message }) => [code, message]),
    [['SD_TIMEOUT', 'file-sd-configs[0]: no full answer within 20ms']],
  );
});

test('rejects with the reason of the signal', async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[');
  const stop = new AbortController();
  const answer = discoverOnce({ discovery: [files(path)] }, { signal: stop.signal, timeoutMs: 60_000 });
  stop.abort(new Error('enough'));
  await assert.rejects(answer, { message: 'enough' });
});

test('a job without any mechanism has no groups', async () => {
  const update = await discoverOnce({ discovery: [] }, { signal: SIGNAL, timeoutMs: 1000 });
  assert.deepEqual(update, { groups: [], failures: [], warnings: [] });
});

test('a watched job gives the groups of all mechanisms together, again when one changes', {
  timeout: 20_000,
}, async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[{"targets":["f:1"]}]');
  const job = { discovery: [statics('s:1'), files(path), http] };
  const seen: string[] = [];
  for await (const { groups, failures } of discoverJob(job, { signal: SIGNAL })) {
    const addresses = groups.flatMap(({ targets }) => targets.map((target) => target.get('__address__')));
    seen.push([...addresses, failures.length].join(' '));
    if (seen.at(-1) === 's:1 f:1 1') writeFileSync(path, '[{"targets":["f:2"]}]');
    if (seen.at(-1) === 's:1 f:2 1') break;
  }
  assert.equal(seen.at(-1), 's:1 f:2 1');
});

test('a watch ends with its signal', async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const { groups } of discoverJob({ discovery: [statics('s:1'), http] }, { signal: stop.signal })) {
    seen.push(groups.length);
    if (seen.length === 2) stop.abort();
  }
  assert.equal(seen.at(-1), 2);
});

test('a burst of updates comes in steps that grow apart, and the last one has everything', () => {
  const spacing = new UpdateSpacing();
  let nowMs = 1_000_000;
  const delays: number[] = [];
  for (let i = 0; i < 9; i++) {
    const delayMs = spacing.delayMs(nowMs);
    delays.push(delayMs);
    nowMs += delayMs;
    spacing.handedOn(nowMs);
  }
  assert.deepEqual(delays, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  nowMs += 5_001;
  assert.equal(spacing.delayMs(nowMs), 0);
  spacing.handedOn(nowMs);
  assert.equal(spacing.delayMs(nowMs), 100);
});

test('what changes during the distance between two updates comes in the second of them', {
  timeout: 20_000,
}, async (t) => {
  const dir = temporaryDirectory(t);
  const paths = ['a', 'b', 'c', 'd', 'e'].map((name) => join(dir, `${name}.json`));
  for (const path of paths) writeFileSync(path, JSON.stringify([{ targets: [path] }]));
  const job = { discovery: paths.map((path) => files(path)) };
  const counts: number[] = [];
  for await (const { groups } of discoverJob(job, { signal: SIGNAL })) {
    counts.push(groups.length);
    if (groups.length === 5) break;
  }
  assert.ok(counts.length <= 3, `updates with ${counts} groups`);
});
