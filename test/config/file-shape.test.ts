import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeConfig, showProblem } from '../support/config-problems.ts';

const JOB = '{job-name: j, enabled-profiles: [cpu], static-configs: [{targets: ["h:1"]}]}';

for (const [shape, text] of [
  ['a server.yml', `scrape-configs: [${JOB}]`],
  [
    "the Helm chart's values",
    `image: {tag: "1"}\nrbac: {}\npyroscopeConfigs: {log-level: info, scrape-configs: [${JOB}]}`,
  ],
  ['a Prometheus config', `scrape_configs: [${JOB.replaceAll('-', '_')}]`],
  [
    'JSON',
    '{"scrape-configs": [{"job-name": "j", "enabled-profiles": ["cpu"], "static-configs": [{"targets": ["h:1"]}]}]}',
  ],
] as const) {
  test(`${shape} is recognised`, async () => {
    const { config, errors, warnings } = await judgeConfig(text);
    assert.deepEqual([...errors, ...warnings].map(showProblem), []);
    assert.equal(config?.scrapeConfigs[0]?.jobName, 'j');
    assert.equal(config?.path, 'shop.yml');
  });
}

test('inside the Helm values the path begins at the root of the file', async () => {
  const { errors } = await judgeConfig('pyroscopeConfigs:\n  scrape-configs:\n    - {job-name: j, scheme: x}\n');
  assert.ok(errors.some(({ path }) => path === 'pyroscopeConfigs.scrape-configs[0].scheme'));
});

test('a misspelled root key is one problem, not two', async () => {
  const { errors } = await judgeConfig('scrape-config: []\n');
  assert.deepEqual(errors.map(showProblem), [
    '1:1 scrape-config: unknown key "scrape-config" (did you mean "scrape-configs"?)',
  ]);
});

for (const [what, text, message] of [
  ['nothing', '', /the file is empty/],
  ['null', '~', /the file is empty/],
  ['a text', 'hello', /is a single text, not a config/],
  ['Helm values without a config', 'pyroscopeConfigs:\n', /must be a mapping that holds scrape-configs/],
  ['null jobs', 'scrape-configs:\n', /nothing to scrape/],
] as const) {
  test(`${what} is no config`, async () => {
    const { errors } = await judgeConfig(text);
    assert.equal(errors.length, 1);
    assert.match(errors[0]?.message ?? '', message);
  });
}

test('keys that start with x- are a home for anchors', async () => {
  const { config } = await judgeConfig(
    `x-job: &job {enabled-profiles: [cpu], static-configs: [{targets: ["h:1"]}]}\nscrape-configs: [{job-name: a, <<: *job}]`,
  );
  assert.deepEqual(config?.scrapeConfigs[0]?.enabledProfiles, ['cpu']);
});
