import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { z } from 'zod';
import { freePort } from '../support/free-port.ts';
import { executable, start as startGoService } from './parts/go-service.ts';
import { needCommand } from './support/debian.ts';
import { buildByHand } from './support/dockerfile.ts';
import { kubernetesExample } from './support/kubernetes-example.ts';
import { lint, needLinters } from './support/linters.ts';
import { freshDirectory, REPOSITORY } from './support/places.ts';
import { startProgram, untilAnswers } from './support/program.ts';
import { EXECUTABLE, pyroPull, readIndex } from './support/pyro-pull.ts';
import { mustRun, runCommand } from './support/run-command.ts';

const EXAMPLES = join(REPOSITORY, 'examples');
const read = (file: string) => readFileSync(join(EXAMPLES, file), 'utf8');

/** Of the image's user, who has no name. */
const NOBODY = 65_532;

before(needLinters);

function configOf(address: string, profiles = '[mem]'): string {
  return `scrape-configs:
  - job-name: shop
    scrape-interval: 1s
    enabled-profiles: ${profiles}
    static-configs: [{ application: shop, targets: ["${address}"] }]
`;
}

test('systemd takes the unit, and finds it well confined', async (t) => {
  const analyze = await needCommand('systemd-analyze', 'systemd');
  const unit = join(freshDirectory('systemd'), 'pyro-pull.service');
  writeFileSync(unit, read('systemd/pyro-pull.service').replace('/usr/local/bin/pyro-pull', EXECUTABLE));
  const verified = await runCommand([analyze, 'verify', '--man=no', unit]);
  assert.deepEqual([verified.code, verified.stdout, verified.stderr], [0, '', '']);
  const security = await runCommand([analyze, 'security', '--offline=true', '--threshold=20', unit]);
  t.diagnostic(security.stdout.trim().split('\n').at(-1) ?? '');
  assert.equal(security.code, 0, security.stdout);
});

test('the command of the unit is one that pyro-pull takes', async () => {
  const service = await startGoService();
  const directory = freshDirectory('systemd-command');
  writeFileSync(join(directory, 'pyro-pull.yml'), configOf(service.address));
  const [, command = ''] = /^ExecStart=\S+ (.*)$/m.exec(read('systemd/pyro-pull.service')) ?? [];
  const args = command.replace('/etc/pyro-pull/', `${directory}/`).split(' ');
  const { code, stderr } = await pyroPull([...args, '--dry-run'], { cwd: directory });
  await service.stop();
  assert.equal(code, 0, stderr);
});

test("BuildKit's own checks find nothing in the Dockerfile", async () => {
  assert.equal(await lint('dockerfile', join(EXAMPLES, 'docker/Dockerfile')), '');
});

test('what the Dockerfile puts together runs as its user, without root and with nothing else', async () => {
  const directory = freshDirectory('image');
  const image = await buildByHand(read('docker/Dockerfile'), REPOSITORY, directory);
  assert.equal(image.user, `${NOBODY}:${NOBODY}`);
  const service = await startGoService();
  const port = await freePort();
  const config = join(directory, 'pyro-pull.yml');
  writeFileSync(config, configOf(service.address));
  const data = join(image.root, 'data');
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(data, NOBODY, NOBODY); // COPY --chown
  for (let at = directory; at.startsWith('/tmp/'); at = dirname(at)) chmodSync(at, 0o755);
  const argv = [...image.entrypoint, ...image.command].map((word) =>
    word
      .replace(/^\/nodejs\/bin\/node$/, process.execPath)
      .replace(/^\/(app|data)\//, `${image.root}/$1/`)
      .replace('/etc/pyro-pull/pyro-pull.yml', config)
      .replace('0.0.0.0:9099', `127.0.0.1:${port}`),
  );
  const as = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'] : [];
  const program = startProgram('image', [...as, ...argv], { cwd: join(image.root, image.workdir) });
  await untilAnswers(program, `http://127.0.0.1:${port}/-/ready`);
  const page = await (await fetch(`http://127.0.0.1:${port}/page/targets.js`)).text();
  await program.stop();
  await service.stop();
  assert.ok(page.includes('overview.json'), 'the page is in the image');
  assert.match(program.output(), /msg="scraping in a loop -> /);
});

test('the config in the Kubernetes example is valid, and the command one that pyro-pull takes', async () => {
  const directory = freshDirectory('kubernetes-example');
  const objects = kubernetesExample();
  const config = join(directory, 'pyro-pull.yml');
  writeFileSync(config, objects.find(({ kind }) => kind === 'ConfigMap')?.data?.['pyro-pull.yml'] ?? '');
  const checked = await pyroPull(['check', config]);
  assert.equal(checked.code, 0, checked.stderr);
  assert.equal(checked.stderr, '');
  const deployment = z
    .object({
      spec: z.object({
        template: z.object({ spec: z.object({ containers: z.array(z.object({ args: z.array(z.string()) })) }) }),
      }),
    })
    .parse(objects.find(({ kind }) => kind === 'Deployment'));
  const args = deployment.spec.template.spec.containers[0]?.args ?? [];
  const here = args.map((arg) => arg.replace('/etc/pyro-pull/', `${directory}/`).replace('/data/', `${directory}/`));
  const { code, stderr } = await pyroPull([...here, '--dry-run', '--discovery-timeout', '1s'], { cwd: directory });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /not in a cluster|KUBERNETES_SERVICE_HOST/i);
});

test('cron reads its example, and its command gives deltas from the second round on, without a word', async () => {
  const file = join(EXAMPLES, 'cron/pyro-pull');
  assert.equal(await lint('crontab', file), '');
  const service = await startGoService();
  const directory = freshDirectory('cron');
  writeFileSync(join(directory, 'pyro-pull.yml'), configOf(service.address));
  mkdirSync(join(directory, 'bin'));
  symlinkSync(EXECUTABLE, join(directory, 'bin/pyro-pull'));
  const [, command = ''] = /^\*\/5 \* \* \* \*\s+pyro-pull\s+(.*)$/m.exec(read('cron/pyro-pull')) ?? [];
  const here = command.replace('/etc/pyro-pull/', `${directory}/`).replace('/var/lib/pyro-pull', directory);
  const env = { PATH: `${directory}/bin:${dirname(process.execPath)}:/usr/bin:/bin` };
  const round = async () => {
    await service.do('alloc?site=kept&n=100&size=64');
    await service.do('publish');
    const { code, stdout, stderr } = await runCommand(['/bin/sh', '-c', here], { env });
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
    return readIndex(join(directory, 'profiles')).length;
  };
  await round(); // waits out its window, as there is no earlier snapshot
  const started = performance.now();
  const before = await round();
  assert.ok(before >= 1);
  assert.equal(await round(), before + 1, 'each further round is one delta');
  assert.ok(performance.now() - started < 60_000);
  await service.stop();
});

test('shellcheck and actionlint find nothing in the CI example', async () => {
  const shellcheck = await needCommand('shellcheck', 'shellcheck');
  await mustRun([shellcheck, '--severity=info', join(EXAMPLES, 'ci/profile.sh')]);
  assert.equal(await lint('workflow', join(EXAMPLES, 'ci/github-workflow.yml')), '');
});

test('the CI script leaves the profiles of a loaded service, and nothing running', async () => {
  const directory = freshDirectory('ci');
  const port = await freePort();
  mkdirSync(join(directory, 'bin'));
  // What the package registry would give.
  writeFileSync(join(directory, 'bin/npx'), `#!/bin/sh\nshift 2\nexec ${process.execPath} ${EXECUTABLE} "$@"\n`, {
    mode: 0o755,
  });
  const address = `127.0.0.1:${port}`;
  const env = {
    PATH: `${directory}/bin:${process.env['PATH']}`,
    SERVICE: `${await executable('plain')} -listen ${address} -exact=false -load 0.3`,
    LOAD: 'sleep 30',
    ADDRESS: address,
    WINDOW: '2s',
    GITHUB_SHA: 'abc123',
  };
  const { code, stderr } = await runCommand([join(EXAMPLES, 'ci/profile.sh')], { cwd: directory, env });
  assert.equal(code, 0, stderr);
  const index = readIndex(join(directory, 'profiles'));
  assert.ok(index.some(({ profile }) => profile === 'cpu') && index.some(({ profile }) => profile === 'mem'));
  assert.ok(index.every(({ labels }) => labels['commit'] === 'abc123'));
  await assert.rejects(fetch(`http://${address}/debug/pprof/cmdline`), 'the service has ended with the script');
});
