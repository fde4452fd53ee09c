import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { run } from '../../src/cli/run.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import type { ScrapeConfig } from '../../src/config/scrape-config.ts';
import { buildProfile } from '../support/build-profile.ts';
import { memoryIo } from '../support/memory-io.ts';
import { readProfile } from '../support/read-profile.ts';
import { ALLOC_SPACE, INUSE_SPACE, sample, snapshot } from '../support/sample-table.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SHOP = `scrape-configs:
  - job-name: shop
    enabled-profiles: [mem]
    static-configs:
      - application: checkout
        targets: ["10.0.0.1:6060", "10.0.0.2:6060", "http://10.0.0.3:6060"]
        labels: { env: prod }
    relabel-configs:
      - source-labels: [__address__]
        regex: 10\\.0\\.0\\.2:.*
        action: drop
      - source-labels: [env]
        target-label: stage
        replacement: is-$1
`;

function withConfig(t: { after(run: () => void): void }, text: string) {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'pyro-pull.yml'), text);
  return { dir, io: memoryIo({ cwd: dir }) };
}

test('check: a good config is one line on stdout and exit code 0', async (t) => {
  const { io } = withConfig(t, SHOP.replace(', "http://10.0.0.3:6060"', ''));
  assert.equal(await run(['check'], io), 0);
  assert.equal(io.out(), 'pyro-pull.yml: valid, 1 job: shop\n');
  assert.equal(io.err(), '');
});

test('check: all faults at once on stderr, exit code 2', async (t) => {
  const { io } = withConfig(t, SHOP.replace('[mem]', '[memm]').replace('regex: 10', 'regex: (10'));
  assert.equal(await run(['check'], io), 2);
  assert.equal(io.out(), '');
  assert.match(io.err(), /2 problems in pyro-pull\.yml\n {2}pyro-pull\.yml:3:24: .*memm/);
  assert.match(io.err(), /pyro-pull\.yml:10:16: scrape-configs\[0\]\.relabel-configs\[0\]\.regex/);
});

test('check --json: one document with the places', async (t) => {
  const { io } = withConfig(t, SHOP.replace('[mem]', '[memm]'));
  assert.equal(await run(['check', '--json'], io), 2);
  const document = JSON.parse(io.out());
  assert.equal(document.valid, false);
  assert.deepEqual([document.errors[0].line, document.errors[0].column], [3, 24]);
});

test('check: a static target that can never be scraped is a warning, told once for all that share it', async (t) => {
  const { io } = withConfig(
    t,
    `scrape-configs:
  - job-name: j
    enabled-profiles: [mem]
    static-configs: [{ targets: ["h:1", "h:2"] }, { application: app, targets: ["h:1"], labels: { __scheme__: ftp } }, { application: app, targets: ["h:3"] }]
`,
  );
  assert.equal(await run(['check'], io), 0);
  assert.match(io.err(), /^2 warnings in pyro-pull\.yml\n/);
  assert.match(
    io.err(),
    /job j: instance 0 in group static-configs\[0\] \(and 1 more\): no application name \(set application/,
  );
  assert.match(io.err(), /job j: instance 0 in group static-configs\[1\]: scheme "ftp" not supported/);
});

test('check: a fault of a target file is told with its place, a file that is not there is a warning', async (t) => {
  const { dir, io } = withConfig(
    t,
    `scrape-configs:
  - job-name: j
    enabled-profiles: [mem]
    file-sd-configs: [{ files: [bad.yml, gone.json] }]
`,
  );
  writeFileSync(join(dir, 'bad.yml'), '- targets: ["h:1"]\n  lables: { a: b }\n');
  assert.equal(await run(['check'], io), 2);
  assert.match(io.err(), /bad\.yml:2:3: \[0\]\.lables: unknown key "lables" \(did you mean "labels"\?\)/);
  writeFileSync(join(dir, 'bad.yml'), '- application: app\n  targets: ["h:1"]\n');
  assert.equal(await run(['check', '--json'], io), 0);
  assert.match(JSON.parse(io.out()).warnings[0].message, /there is no .*gone\.json/);
});

test('check reads standard input', async () => {
  const io = memoryIo({ stdin: SHOP });
  assert.equal(await run(['check', '-'], io), 0, io.err());
});

test('targets: active, dropped with the rule, rejected with the mend; a wrong one gives exit code 1', async (t) => {
  const { io } = withConfig(t, SHOP);
  assert.equal(await run(['targets'], io), 1);
  assert.match(io.out(), /^job shop: 1 active target, 1 dropped instance, 1 rejected\n/);
  assert.match(io.out(), /mem +http:\/\/10\.0\.0\.1:6060\/debug\/pprof\/heap +\{.*stage="is-prod"\}/);
  assert.match(io.out(), /dropped \{__address__="10\.0\.0\.2:6060".*relabel rule 0 \(line 9\): drop/);
  assert.match(io.out(), /rejected .*"http:\/\/10\.0\.0\.3:6060" is not a valid hostname/);
});

test('targets --explain replays each rule with what it changed and its line', async (t) => {
  const { io } = withConfig(t, SHOP);
  await run(['targets', '--explain', '--match', '10.0.0.[12]'], io);
  assert.match(
    io.out(),
    / {4}rule 1 \(line 12\): replace source-labels=\[env\] target-label=stage replacement="is-\$1"\n {6}\+ stage="is-prod"\n {4}=> scraped as mem/,
  );
  assert.match(io.out(), /rule 0 \(line 9\): drop .*\n {6}drops the target\n {4}=> dropped/);
});

test('targets --json: one document with labels before and after', async (t) => {
  const { io } = withConfig(t, SHOP);
  await run(['targets', '--json'], io);
  const document = JSON.parse(io.out());
  assert.equal(document.activeTargets[0].labels.stage, 'is-prod');
  assert.equal(document.activeTargets[0].discoveredLabels.__address__, '10.0.0.1:6060');
  assert.equal(document.droppedTargetCounts.shop, 1);
  assert.equal(document.rejectedTargets.length, 1);
});

test('targets --explain --json: each rule with what it changed, and how it ended', async (t) => {
  const { io } = withConfig(t, SHOP);
  await run(['targets', '--explain', '--json', '--match', '10.0.0.[12]'], io);
  const { explained } = JSON.parse(io.out());
  const [dropped] = explained.filter(({ ends }: { ends: { outcome: string }[] }) => ends[0]?.outcome === 'dropped');
  const [scraped] = explained.filter(({ ends }: { ends: { outcome: string }[] }) => ends[0]?.outcome === 'scraped');
  const { rule, action, targetLabel, changes, drops } = scraped.steps[1];
  assert.deepEqual(
    [rule, action, targetLabel, drops, changes],
    ['rule 1 (line 12)', 'replace', 'stage', false, [{ name: 'stage', after: 'is-prod' }]],
  );
  assert.equal(scraped.discoveredLabels.__address__, '10.0.0.1:6060');
  assert.deepEqual([dropped.steps.length, dropped.steps[0].drops], [1, true]);
  assert.match(dropped.ends[0].reason, /rule 0/);
});

const heapOf = (allocated: bigint) =>
  gzipSync(buildProfile(snapshot([sample('main;work', [allocated, 4n])], { sampleTypes: [ALLOC_SPACE, INUSE_SPACE] })));

test('delta writes what happened between two files, and says so', async (t) => {
  const dir = temporaryDirectory(t);
  const io = memoryIo({ cwd: dir });
  writeFileSync(join(dir, 'before.pb.gz'), heapOf(10n));
  writeFileSync(join(dir, 'after.pb.gz'), heapOf(17n));
  assert.equal(await run(['delta', 'before.pb.gz', 'after.pb.gz', '-o', 'delta.pb.gz'], io), 0, io.err());
  assert.match(io.out(), /^delta\.pb\.gz: 1 sample, \d+ B\n$/);
  const { samples } = readProfile(gunzipSync(readFileSync(join(dir, 'delta.pb.gz'))));
  assert.deepEqual(samples[0]?.values, [7n, 4n]);
});

test('delta -o - puts the file, and nothing else, on stdout', async (t) => {
  const dir = temporaryDirectory(t);
  const io = memoryIo({ cwd: dir });
  writeFileSync(join(dir, 'a'), heapOf(10n));
  writeFileSync(join(dir, 'b'), heapOf(17n));
  assert.equal(await run(['delta', 'a', 'b', '-o', '-', '--json'], io), 0);
  const { samples } = readProfile(gunzipSync(Buffer.from(io.out(), 'latin1')));
  assert.deepEqual(samples[0]?.values, [7n, 4n]);
  assert.equal(JSON.parse(io.err()).samples, 1);
});

test('delta of a malformed file names it, writes nothing, exit code 1', async (t) => {
  const dir = temporaryDirectory(t);
  const io = memoryIo({ cwd: dir });
  writeFileSync(join(dir, 'a'), heapOf(10n));
  writeFileSync(join(dir, 'b'), heapOf(17n).subarray(0, 40));
  assert.equal(await run(['delta', 'a', 'b', '-o', 'c'], io), 1);
  assert.match(io.err(), /^pyro-pull: b: gzip ends early/);
  assert.deepEqual(readdirSync(dir).sort(), ['a', 'b']);
});

for (const [what, file, says] of [
  ['is missing', 'gone', /^pyro-pull: gone: no such file or directory\n$/],
  ['is a directory', '.', /^pyro-pull: \.: illegal operation on a directory\n$/],
] as const) {
  test(`delta of a file that ${what} names it, writes nothing, exit code 1`, async (t) => {
    const dir = temporaryDirectory(t);
    writeFileSync(join(dir, 'a'), heapOf(10n));
    for (const files of [
      ['a', file],
      [file, 'a'],
    ]) {
      const io = memoryIo({ cwd: dir });
      assert.equal(await run(['delta', ...files, '-o', 'c'], io), 1);
      assert.match(io.err(), says);
      assert.deepEqual(readdirSync(dir), ['a']);
    }
  });
}

test('delta of two restarts says that the counters were reset', async (t) => {
  const dir = temporaryDirectory(t);
  const io = memoryIo({ cwd: dir });
  writeFileSync(join(dir, 'a'), heapOf(10n));
  writeFileSync(join(dir, 'b'), heapOf(3n));
  assert.equal(await run(['delta', 'a', 'b', '-o', 'c'], io), 0);
  assert.match(io.out(), /counters were reset/);
});

test('push without a remote is wrong usage', async (t) => {
  const io = memoryIo({ cwd: temporaryDirectory(t) });
  assert.equal(await run(['push', 'profiles'], io), 2);
  assert.match(io.err(), /no remote to push to\n {2}name one with --push/);
});

test('targets --explain shows what the rules of single profiles do, and of which preset they are', async (t) => {
  const rules = '{mem: {relabel-configs: [{target-label: __scheme__, replacement: https}]}}';
  const text = SHOP.replace('[mem]', '[mem, cpu]').replace(
    '    static-configs',
    `    profiles: ${rules}\n    static-configs`,
  );
  const { io } = withConfig(t, text);
  await run(['targets', '--explain', '--match', '10.0.0.1'], io);
  assert.match(
    io.out(),
    / {4}rules of profile mem:\n {6}rule 0 \(line 4\): replace .*\n {8}~ __scheme__="http" -> "https"\n {4}=> scraped as /,
  );
  assert.match(io.out(), /=> scraped as mem: https:\/\/10\.0\.0\.1:6060/);
  assert.match(io.out(), /=> scraped as cpu: http:\/\/10\.0\.0\.1:6060/);
});

const PODS = `scrape-configs:
  - job-name: pods
    annotation-preset: pyroscope.io
    enabled-profiles: [mem]
    kubernetes-sd-configs: [{ role: pod }]
    relabel-configs: [{ target-label: env, replacement: prod }]
`;

test('check --print-rules: a config with the printed rules in the place of the preset does the same', async (t) => {
  const { io } = withConfig(t, PODS);
  assert.equal(await run(['check', '--print-rules'], io), 0, io.err());
  const rules = (job: ScrapeConfig | undefined) => [
    job?.relabelRules.map(({ written: { line: _line, preset: _preset, ...rule } }) => rule),
    [...(job?.profiles ?? [])].map(([name, { relabelRules }]) => [name, relabelRules.map(({ action }) => action)]),
  ];
  const parsed = async (text: string) =>
    (await parseConfig(text, { file: 'f', dir: '.', expandEnv: false, env: {} })).config.scrapeConfigs[0];
  assert.match(
    io.out(),
    /action: keep\n {8}source-labels:\n {10}- __meta_kubernetes_pod_annotation_pyroscope_io_scrape\n/,
  );
  const preset = rules(await parsed(PODS));
  assert.deepEqual(rules(await parsed(io.out())), preset);
  assert.ok((preset[0]?.length ?? 0) > 15);
});
