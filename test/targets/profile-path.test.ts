import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/parse-config.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';

const PARCA = 'object_storage: {}\n';

/** `profile path` of each target of a job with one address, and what is said of the job. */
async function resultOf(job: string, { head = '', labels = {} as Readonly<Record<string, string>> } = {}) {
  const text = `${head}scrape_configs: [{job_name: j, static_configs: [{targets: ["h:1"]}], ${job}}]`;
  const { config } = await parseConfig(text, { file: 'f', dir: '.', expandEnv: false, env: {} });
  const [only] = config.scrapeConfigs;
  assert.ok(only);
  const target = new Map([['__address__', 'h:1'], ...Object.entries(labels)]);
  const found = targetsFromGroups(only, [{ source: 's', targets: [target], labels: new Map() }]);
  return {
    paths: found.targets.map(({ profile, pathAndQuery }) => `${profile.name} ${pathAndQuery}`),
    names: [...new Set(found.targets.map((one) => one.labels.get('__name__')))],
    rejected: found.rejected.map(({ message }) => message),
    dropped: found.dropped.map(({ reason }) => reason),
    warnings: found.warnings,
  };
}

const SET = (label: string, value: string) => `relabel_configs: [{target_label: ${label}, replacement: "${value}"}]`;

test('__profile_path__ is the path of a profile, from a rule and from a label alike', async () => {
  const byRule = await resultOf(`enabled_profiles: [mem], ${SET('__profile_path__', '/custom/heap')}`);
  assert.deepEqual(byRule.paths, ['mem /custom/heap']);
  const byLabel = await resultOf('enabled_profiles: [mem]', { labels: { __profile_path__: 'custom/heap' } });
  assert.deepEqual(byLabel.paths, ['mem /custom/heap']);
  assert.deepEqual(byLabel.warnings, []);
});

test('the label of one profile wins over that of all', async () => {
  const { paths, warnings } = await resultOf('enabled_profiles: [mem, goroutines]', {
    labels: { __profile_path__: '/all', __profile_mem_path: '/mine' },
  });
  assert.deepEqual(paths, ['mem /mine', 'goroutines /all']);
  assert.deepEqual(warnings, []);
});

test('several profiles at one path are worth a word', async () => {
  const { warnings } = await resultOf('enabled_profiles: [cpu, mem]', { labels: { __profile_path__: '/all' } });
  assert.match(warnings[0] ?? '', /__profile_path__ sends cpu, mem to one path/);
});

for (const prefix of ['/svc', 'svc', '/svc/', '/svc//']) {
  test(`__profile_path_prefix__ ${prefix} goes before every path`, async () => {
    const { paths } = await resultOf(`enabled_profiles: [cpu, mem], ${SET('__profile_path_prefix__', prefix)}`);
    assert.deepEqual(paths, ['cpu /svc/debug/pprof/profile?seconds=10', 'mem /svc/debug/pprof/heap']);
  });
}

test('a prefix goes before a path that a label sets, too', async () => {
  const labels = { __profile_path_prefix__: '/svc', __profile_path__: '/x', __profile_cpu_path: 'y' };
  const { paths } = await resultOf('enabled_profiles: [cpu, mem]', { labels });
  assert.deepEqual(paths, ['cpu /svc/y?seconds=10', 'mem /svc/x']);
});

test('rules that read __profile_path__ see the path of each profile', async () => {
  const rule =
    'relabel_configs: [{source_labels: [__profile_path__], target_label: __profile_path__, replacement: /v2$1}]';
  assert.deepEqual((await resultOf(`enabled_profiles: [cpu, mem], ${rule}`)).paths, [
    'cpu /v2/debug/pprof/profile?seconds=10',
    'mem /v2/debug/pprof/heap',
  ]);
});

test('such rules may drop a profile and keep the others', async () => {
  const rule = 'relabel_configs: [{source_labels: [__profile_path__], regex: .*/heap, action: drop}]';
  const some = await resultOf(`enabled_profiles: [cpu, mem], ${rule}`);
  assert.deepEqual(some.paths, ['cpu /debug/pprof/profile?seconds=10']);
  assert.deepEqual(some.dropped, []);
  const all = await resultOf(`enabled_profiles: [mem], ${rule}`);
  assert.deepEqual(all.dropped, [{ type: 'relabel', ruleIndex: 0 }]);
});

test('such rules may switch a further profile on', async () => {
  const rules = `relabel_configs: [
    {source_labels: [__profile_path__], target_label: seen},
    {target_label: __profile_goroutines_enabled, replacement: "true"},
    {regex: seen, action: labeldrop}]`;
  assert.deepEqual((await resultOf(`enabled_profiles: [mem], ${rules}`)).paths, [
    'mem /debug/pprof/heap',
    'goroutines /debug/pprof/goroutine',
  ]);
});

test("in a Parca file __name__ is the profile's type for rules that read it", async () => {
  const rules = `relabel_configs: [
    {source_labels: [__name__], regex: process_cpu|memory|mutex, action: keep},
    {source_labels: [__name__], regex: memory, target_label: __profile_path__, replacement: /mem}]`;
  const { paths, names } = await resultOf(rules, { head: PARCA });
  assert.deepEqual(paths, ['mem /mem', 'mutex /debug/pprof/mutex', 'cpu /debug/pprof/profile?seconds=10']);
  assert.deepEqual(names, ['j']);
});

test('in other files it is the application', async () => {
  const rules = 'relabel_configs: [{source_labels: [__name__], regex: shop, action: keep}]';
  const labels = { __name__: 'shop' };
  assert.deepEqual((await resultOf(`enabled_profiles: [mem], ${rules}`, { labels })).names, ['shop']);
});

test('__metrics_path__ is what it is for Prometheus, and no path of a profile', async () => {
  const keep = 'relabel_configs: [{source_labels: [__metrics_path__], regex: /internal, action: keep}]';
  const kept = await resultOf(`metrics_path: /internal, enabled_profiles: [mem], ${keep}`);
  assert.deepEqual(kept.paths, ['mem /debug/pprof/heap']);
  const dropped = await resultOf(`enabled_profiles: [mem], ${keep}`);
  assert.equal(dropped.dropped.length, 1);
  const set = await resultOf(`enabled_profiles: [mem], ${SET('__metrics_path__', '/x')}`);
  assert.deepEqual(set.paths, ['mem /debug/pprof/heap']);
});

test('a query in __profile_path__ is refused, and names the way to have one', async () => {
  const { rejected } = await resultOf('enabled_profiles: [mem]', { labels: { __profile_path__: '/x?gc=1' } });
  assert.deepEqual(rejected, ['"?" in path "/x?gc=1"']);
});
