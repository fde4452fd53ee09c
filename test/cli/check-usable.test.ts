import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../src/cli/run.ts';
import { memoryIo } from '../support/memory-io.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function check(
  t: { after(run: () => void): void },
  jobs: string,
  { root = 'scrape-configs', args = [] as readonly string[], files = {} as Readonly<Record<string, string>> } = {},
) {
  const cwd = temporaryDirectory(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  writeFileSync(join(cwd, 'pyro-pull.yml'), `${root}: [${jobs}]\n`);
  const io = memoryIo({ cwd });
  return { code: await run(['check', ...args], io), out: io.out(), err: io.err() };
}

const MEM = 'job-name: j, enabled-profiles: [mem]';
const PODS = 'kubernetes-sd-configs: [{role: pod}]';

const UNUSABLE: readonly (readonly [what: string, job: string, said: RegExp])[] = [
  ['a static target without an application', `{${MEM}, static-configs: [{targets: ["h:1"]}]}`, /set application: j/],
  [
    'pods that no rule names',
    `{${MEM}, ${PODS}}`,
    /add to relabel-configs: - \{source-labels: \[__meta_kubernetes_pod_container_name\], target-label: __name__\}/,
  ],
  [
    'Consul services that no rule names',
    `{${MEM}, consul-sd-configs: [{server: "c:8500"}], relabel-configs: [{target-label: env, replacement: x}]}`,
    /source-labels: \[__meta_consul_service\]/,
  ],
  ['no discovery', `{${MEM}}`, /add static-configs/],
  ['an empty group', `{${MEM}, static-configs: [{application: a, targets: []}]}`, /add targets: \[host:port\]/],
  [
    'a rule that drops all targets',
    `{${MEM}, static-configs: [{application: a, targets: ["h:1"]}], relabel-configs: [{source-labels: [env], regex: prod, action: keep}]}`,
    /job j: all of its instances are dropped: relabel rule 0 \(line 1\): keep/,
  ],
  [
    'a label that switches the only profile off',
    `{${MEM}, static-configs: [{application: a, targets: ["h:1"], labels: {__profile_mem_enabled: "false"}}]}`,
    /all of its instances are dropped: no profile is enabled for it/,
  ],
];

for (const [what, job, said] of UNUSABLE) {
  test(`${what}: exit code 1, and the line that helps`, async (t) => {
    const { code, out, err } = await check(t, job);
    assert.equal(code, 1);
    assert.match(err, said);
    assert.match(out, /^pyro-pull\.yml: valid, 1 job: j\n1 of 1 job can have no usable target: j\n$/);
  });
}

const USABLE: readonly (readonly [what: string, job: string])[] = [
  ['service_name as the application', `{${MEM}, static-configs: [{targets: ["h:1"], labels: {service_name: cart}}]}`],
  [
    'a rule that sets service_name',
    `{${MEM}, ${PODS}, relabel-configs: [{source-labels: [a], target-label: service_name}]}`,
  ],
  [
    'a labelmap that may bring a service_name',
    `{${MEM}, ${PODS}, relabel-configs: [{action: labelmap, regex: __meta_kubernetes_pod_label_(.+)}]}`,
  ],
  ['a preset that names applications', `{${MEM}, ${PODS}, annotation-preset: pyroscope.io}`],
  ['targets from HTTP, which may have an application', `{${MEM}, http-sd-configs: [{url: "http://sd/"}]}`],
  ['a target file that is not there yet', `{${MEM}, file-sd-configs: [{files: [gone.json]}]}`],
  ['one good target of two', `{${MEM}, static-configs: [{targets: ["h:1"]}, {application: a, targets: ["h:1"]}]}`],
];

for (const [what, job] of USABLE) {
  test(`${what}: exit code 0`, async (t) => {
    assert.equal((await check(t, job)).code, 0);
  });
}

test('a target file that lists nothing may list something later; one whose targets are all wrong is unusable', async (t) => {
  const job = `{${MEM}, file-sd-configs: [{files: [t.json]}]}`;
  assert.equal((await check(t, job, { files: { 't.json': '[]' } })).code, 0);
  assert.equal((await check(t, job, { files: { 't.json': '[{"targets": ["h:1"]}]' } })).code, 1);
});

test('--json names the unusable jobs, and where applications come from', async (t) => {
  const jobs = `{${MEM}, static-configs: [{targets: ["h:1"]}]}, {job-name: k, enabled-profiles: [mem], ${PODS}, annotation-preset: pyroscope.io}`;
  const { code, out } = await check(t, jobs, { args: ['--json'] });
  const document = JSON.parse(out);
  assert.equal(code, 1);
  assert.equal(document.valid, true);
  assert.deepEqual(document.unusableJobs, ['j']);
  assert.deepEqual(document.applications[1], { job: 'k', from: ['__name__', 'service_name'] });
});

test('a job of a Prometheus file says once what names its applications, however many targets it has', async (t) => {
  const jobs = `{job_name: a, enabled_profiles: [mem], static_configs: [{targets: ["h:1", "h:2"]}]},
    {job_name: b, enabled_profiles: [mem], static_configs: [{targets: ["h:3"], labels: {app: x}}]},
    {job_name: c, enabled_profiles: [mem], kubernetes_sd_configs: [{role: pod}]}`;
  const { code, out } = await check(t, jobs, { root: 'scrape_configs' });
  assert.equal(code, 0);
  assert.equal(
    out,
    `pyro-pull.yml: valid, 3 jobs: a, b, c
job a: the application name is taken from the job's name
job b: the application name is taken from label app
job c: the application name is taken from label __name__, else label service_name, else label app_kubernetes_io_name, else label app, else label service, else label __meta_kubernetes_pod_container_name, else the job's name
`,
  );
});

test('rules about pods cannot switch a profile on, so a job without one is told so', async (t) => {
  const rules =
    'relabel-configs: [{action: labelmap, regex: __meta_kubernetes_pod_label_(.+)}, {target-label: __name__, replacement: a}]';
  const { code, err } = await check(t, `{job-name: j, ${PODS}, ${rules}}`);
  assert.equal(code, 2);
  assert.match(err, /no profile is enabled \(add enabled-profiles/);
  const enabling = rules.replace('_label_(.+)', '_annotation_x_(.+), replacement: __profile_$1');
  assert.equal((await check(t, `{job-name: j, ${PODS}, ${enabling}}`)).code, 0);
});
