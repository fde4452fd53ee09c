import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeConfig, showProblem } from '../support/config-problems.ts';

const ENV = {
  NAME: 'shop',
  EMPTY: '',
  PORT: '6060',
  LIST: 'a, b',
  NESTED: '${NAME}',
  YAML: '}\ninjected: true',
  ON: 'yes',
};

async function labelled(value: string, env: Readonly<Record<string, string>> | undefined = ENV) {
  const verdict = await judgeConfig(
    `scrape-configs:\n- job-name: j\n  enabled-profiles: [cpu]\n  static-configs: [{targets: ["h:1"], labels: {a: ${JSON.stringify(value)}}}]`,
    env,
  );
  const [source] = verdict.config?.scrapeConfigs[0]?.discovery ?? [];
  return {
    ...verdict,
    value: source?.mechanism === 'static' ? source.groups[0]?.labels.get('a') : undefined,
  };
}

const rows: readonly (readonly [written: string, expanded: string | undefined])[] = [
  ['${NAME}', 'shop'],
  ['x-${NAME}:${PORT}', 'x-shop:6060'],
  ['${EMPTY}', undefined], // an empty label is none
  ['${UNSET:-dev}', 'dev'],
  ['${EMPTY:-dev}', 'dev'],
  ['${NAME:-dev}', 'shop'],
  ['a${UNSET:-}b', 'ab'],
  ['${NESTED}', '${NAME}'],
  ['${YAML}', '}\ninjected: true'],
  ['$NAME', '$NAME'],
  ['$$', '$$'],
  ['${1}', '${1}'],
  ['${}', '${}'],
  ['${NAME', '${NAME'],
  ['${NAME-x}', '${NAME-x}'],
  ['5$', '5$'],
];
for (const [written, expanded] of rows) {
  test(`${JSON.stringify(written)} becomes ${JSON.stringify(expanded)}`, async () => {
    const { value, errors } = await labelled(written);
    assert.deepEqual(errors, []);
    assert.equal(value, expanded);
  });
}

test('an unset variable is a fault that names key, line and variable', async () => {
  const { errors } = await labelled('${UNSET} ${NAME} ${MISSING}');
  assert.deepEqual(errors.map(showProblem), [
    '4:51 scrape-configs[0].static-configs[0].labels.a: environment variable UNSET is not set (set it, or give a default: ${UNSET:-value})',
    '4:51 scrape-configs[0].static-configs[0].labels.a: environment variable MISSING is not set (set it, or give a default: ${MISSING:-value})',
  ]);
});

test('the spelling of the old server is a warning that shows ours', async () => {
  const { warnings } = await labelled('x $NAME');
  assert.deepEqual(
    warnings.map(({ message, hint }) => `${message} (${hint})`),
    ['$NAME is taken as it stands (write ${NAME} and use --expand-env)'],
  );
});

test('without --expand-env nothing is expanded, and each such value is a warning', async () => {
  const verdict = await judgeConfig(
    'scrape-configs:\n- job-name: ${NAME}\n  enabled-profiles: [cpu]\n  static-configs: [{targets: ["h:1"], labels: {a: "${X:-y}"}}]',
  );
  assert.equal(verdict.config?.scrapeConfigs[0]?.jobName, '${NAME}');
  assert.deepEqual(
    verdict.warnings.map(({ message }) => message),
    ['${NAME} is taken as it stands', '${X} is taken as it stands'],
  );
});

test('relabel rules, keys and comments are never expanded', async () => {
  const { config, warnings } = await judgeConfig(
    `# \${UNSET}
scrape-configs:
- job-name: j
  enabled-profiles: [cpu]
  params: {"\${NAME}": ["1"]}
  static-configs: [{targets: ["h:1"]}]
  relabel-configs:
    - {source-labels: [a], regex: "(?P<NAME>.*)", target-label: "\${NAME}", replacement: "\${NAME}$"}
    - {source_labels: [a], regex: "\${UNSET}(.*)", target_label: b, separator: "\${NAME}"}`,
    ENV,
  );
  const [first, second] = config?.scrapeConfigs[0]?.relabelRules ?? [];
  assert.equal(first?.targetLabel, '${NAME}');
  assert.equal(first?.replacement, '${NAME}$');
  assert.equal(second?.written.regex, '${UNSET}(.*)');
  assert.equal(second?.separator, 'shop');
  assert.deepEqual([...(config?.scrapeConfigs[0]?.params.keys() ?? [])], ['${NAME}']);
  assert.deepEqual(warnings.map(showProblem), []);
});

test('a variable never becomes a list, a null or two values', async () => {
  const { config } = await judgeConfig(
    'scrape-configs: [{job-name: "${LIST}", enabled-profiles: [cpu], follow-redirects: "${ON}", static-configs: [{labels: {x: "${LIST}"}, targets: ["h:1"]}]}]',
    ENV,
  );
  const [job] = config?.scrapeConfigs ?? [];
  assert.equal(job?.jobName, 'a, b');
  assert.equal(job?.http.followRedirects, true);
  const [source] = job?.discovery ?? [];
  assert.deepEqual(source?.mechanism === 'static' && source.groups[0]?.labels.get('x'), 'a, b');
});

test('values behind aliases and merge keys are expanded as well', async () => {
  const { config, errors } = await judgeConfig(
    'x-a: &a {scrape-interval: "${I}", scheme: "${S}"}\nscrape-configs: [{job-name: j, enabled-profiles: [cpu], static-configs: [{targets: ["h:1"]}], <<: *a}]',
    { I: '30s', S: 'https' },
  );
  assert.deepEqual(errors, []);
  assert.equal(config?.scrapeConfigs[0]?.scrapeIntervalMs, 30_000);
  assert.equal(config?.scrapeConfigs[0]?.scheme, 'https');
});

const JOB =
  'scrape-configs: [{job-name: j, enabled-profiles: [cpu], static-configs: [{application: a, targets: ["h:1"]}]}]\n';

for (const ignored of [
  'auth: {internal: {admin: {password: "${NONE}"}}}',
  'x-shared: {a: "${NONE}"}',
  'global: {query-log-file: "${NONE}"}',
  'remote-write: [{url: "https://m/api/v1/push", basic-auth: {username: "${NONE}", password: "${NONE}"}}]',
  'remote-write: [{url: "${METRICS}", basic-auth: {password: "${NONE}"}}]',
]) {
  test(`no variable needs to be set for what means nothing here: ${ignored}`, async () => {
    const { errors } = await judgeConfig(JOB + ignored, { METRICS: 'https://m/api/v1/write' });
    assert.deepEqual(errors.map(showProblem), []);
    const { warnings } = await judgeConfig(JOB + ignored);
    assert.deepEqual(
      warnings.map(showProblem).filter((line) => line.includes('NONE')),
      [],
    );
  });
}

test('keys of a job that mean nothing here, and neighbours of the config in a chart, need no variable either', async () => {
  const job = JOB.replace(
    'job-name: j',
    'job-name: j, metrics-path: "${NONE}", metric-relabel-configs: [{x: "${NONE}"}]',
  );
  assert.deepEqual((await judgeConfig(job, {})).errors.map(showProblem), []);
  const chart = `image: {tag: "\${NONE}"}\npyroscopeConfigs:\n  ${JOB}`;
  assert.deepEqual((await judgeConfig(chart, {})).errors.map(showProblem), []);
});

test('what an ignored part shares by an alias with a job has to be set', async () => {
  const text = `x-shared: &labels {env: "\${NONE}"}
scrape-configs:
- {job-name: j, enabled-profiles: [cpu], static-configs: [{application: a, targets: ["h:1"], labels: *labels}]}`;
  const { errors } = await judgeConfig(text, {});
  assert.equal(errors.length, 1);
  assert.match(errors[0]?.message ?? '', /environment variable NONE is not set/);
});

test('a value that is wrong for its variable alone says how to expand it', async () => {
  const text = JOB.replace('application: a', 'application: "${APP}"').replace(
    'job-name: j',
    'job-name: j, scrape-interval: "${I}"',
  );
  const { errors } = await judgeConfig(text);
  assert.deepEqual(
    errors.map(({ hint }) => hint),
    Array(2).fill('environment variables are expanded with --expand-env only'),
  );
  assert.deepEqual((await judgeConfig(text, { APP: 'shop', I: '20s' })).errors, []);
  // Expanded, the hint would not help.
  assert.match((await judgeConfig(text, { APP: 'a b', I: '20s' })).errors[0]?.hint ?? '', /letters, digits/);
});
