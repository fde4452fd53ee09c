import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pathOf } from '../../src/config/schema/remote-write.ts';
import { judgeConfig } from '../support/config-problems.ts';

const JOB = '{job_name: j, static_configs: [{targets: ["h:1"]}], enabled_profiles: [mem]}';
const PPROF = (profiles: string) =>
  `scrape_configs: [{job_name: j, static_configs: [{targets: ["h:1"]}], profiling_config: {pprof_config: ${profiles}}}]`;

for (const [text, kind] of [
  [`scrape-configs: [${JOB}]`, 'pyroscope'],
  [`pyroscopeConfigs: {scrape_configs: [${JOB}]}`, 'pyroscope'],
  [`server: {}\nscrape-configs: [${JOB}]`, 'pyroscope'],
  [`scrape_configs: [${JOB}]`, 'prometheus'],
  [`storage: {}\ntracing: {}\nscrape_configs: [${JOB}]`, 'prometheus'],
  [`object_storage: {}\nscrape_configs: [${JOB}]`, 'parca'],
  [`debug_info: {}\nscrape_configs: [${JOB}]`, 'parca'],
  [PPROF('{memory: {enabled: false}}'), 'parca'],
  [PPROF('{memory: {enabled: false}, trace: {enabled: false}}'), 'parca'],
  [PPROF('{}'), 'parca'],
  [PPROF('{heap: {enabled: false}}'), 'conprof'],
  [PPROF('{trace: {enabled: false}}'), 'conprof'],
  [`server: {}\nscrape_configs: [${JOB}]`, 'phlare'],
  [`self_profiling: {}\nanalytics: {}\nscrape_configs: [${JOB}]`, 'phlare'],
] as const) {
  test(`${JSON.stringify(text)} is a file of ${kind}`, async () => {
    const { config } = await judgeConfig(text);
    assert.deepEqual(
      config?.scrapeConfigs.map((job) => job.kind),
      [kind],
    );
  });
}

for (const root of ['server: {}', 'client: {}', 'debug_info: {}', 'object_storage: {}', 'pyroscopedb: {}']) {
  test(`a job beside ${root} has the five profiles of Parca`, async () => {
    const { config } = await judgeConfig(
      `${root}\nscrape_configs: [{job_name: j, static_configs: [{targets: ["h:1"]}]}]`,
    );
    assert.deepEqual(config?.scrapeConfigs[0]?.enabledProfiles, ['mem', 'block', 'goroutines', 'mutex', 'cpu']);
  });
}

test('a scrape timeout of 0 is the default of the file, then of the program', async () => {
  const timeout = async (head: string, job: string) => {
    const { config } = await judgeConfig(`${head}scrape_configs: [${JOB.replace('{', `{${job}, `)}]`);
    return config?.scrapeConfigs[0]?.scrapeTimeoutMs;
  };
  assert.equal(await timeout('', 'scrape_timeout: 0s'), undefined);
  assert.equal(await timeout('global: {scrape_timeout: 20s}\n', 'scrape_timeout: 0'), 20_000);
  assert.equal(await timeout('global: {scrape_timeout: 0s}\n', 'scheme: http'), undefined);
});

test('the path of a URL is what the URL class says, and never throws', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
      const { pathname } = new URL(url);
      assert.equal(pathOf(url), /^\/*$/.test(pathname) ? '' : url.slice(url.indexOf('/', 8)).split(/[?#]/)[0]);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(typeof pathOf(text), 'string');
    }),
  );
});
