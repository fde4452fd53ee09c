import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { start as startEtcd } from './parts/etcd.ts';
import { start as startNats } from './parts/nats.ts';
import type { RunningPart, Start } from './parts/part.ts';
import { start as startPrometheus } from './parts/prometheus.ts';
import { start as startRclone } from './parts/rclone.ts';
import { writeConfig } from './support/config-file.ts';
import { needCommand } from './support/debian.ts';
import { describe, differences, rawTotals } from './support/oracle.ts';
import { freshDirectory } from './support/places.ts';
import { mustPull, pyroPull, readIndex, scrapeInto, theOnly } from './support/pyro-pull.ts';
import { startRecordingProxy } from './support/recording-proxy.ts';
import { mustRun } from './support/run-command.ts';

// Programs that know nothing of us, under load. A proxy keeps what each of them sent, and google/pprof says from that,
// sample by sample, what the result has to be.

const ENDPOINTS: Readonly<Record<string, string>> = {
  cpu: '/debug/pprof/profile',
  mem: '/debug/pprof/heap',
  allocs: '/debug/pprof/allocs',
  goroutines: '/debug/pprof/goroutine',
  mutex: '/debug/pprof/mutex',
  block: '/debug/pprof/block',
  threadcreate: '/debug/pprof/threadcreate',
};
const PROFILES = Object.keys(ENDPOINTS);
/** Those of which two snapshots are taken. */
const CUMULATIVE = ['mem', 'allocs', 'mutex', 'block'];

// Which contention profiles surely have something to tell.
const programs: { name: string; start: Start; contended: readonly string[] }[] = [
  { name: 'Prometheus', start: startPrometheus, contended: ['block'] },
  { name: 'etcd', start: startEtcd, contended: [] },
  { name: 'NATS', start: startNats, contended: ['block'] },
  { name: 'rclone behind basic authentication', start: startRclone, contended: ['block'] },
];

for (const { name, start, contended } of programs) {
  test(`${name}: each profile is what google/pprof makes of the same responses`, async (t) => {
    const part = await startPart(t, start);
    const proxy = await startRecordingProxy(part.address);
    t.after(() => proxy.stop());
    const stopWork = part.work();
    const written = await scrapeInto(freshDirectory('out'), [
      ...['--config', writeConfig({ profiles: PROFILES, targets: [proxy.address], more: jobOf(part) })],
      ...['--window', '2s', '--write-empty'],
    ]);
    await stopWork();

    for (const profile of PROFILES) {
      const { file, samples } = theOnly(written, profile);
      const answers = proxy.answers(ENDPOINTS[profile] ?? '').map((answer) => answer.file);
      assert.equal(answers.length, CUMULATIVE.includes(profile) ? 2 : 1, `requests for ${profile}`);
      const [before, after] = answers;
      assert.deepEqual(await differences(file, ...answers), [], profile);

      const found = await describe(file);
      assert.equal(samples, found.samples);
      assert.ok(found.lowest >= 0);
      assert.deepEqual(await rawTotals(file), found.totals, 'go tool pprof -raw reads the same');
      if (contended.includes(profile) || ['cpu', 'mem', 'goroutines'].includes(profile)) {
        assert.ok(found.samples > 0, `${profile} has samples`);
      }

      if (before === undefined || after === undefined) continue;
      const output = join(freshDirectory('delta'), 'delta.pb.gz');
      await mustPull(['delta', before, after, '-o', output]);
      assert.deepEqual(await differences(output, before, after), [], `the delta command on ${profile}`);
    }
  });
}

test('etcd is restarted between two runs: no negative value, and all that the new process did', async (t) => {
  const first = await startPart(t, startEtcd);
  const { address } = first;
  const stopWork = first.work();
  const directory = freshDirectory('out');
  const state = freshDirectory('state');
  const proxy = await startRecordingProxy(address);
  t.after(() => proxy.stop());
  const config = writeConfig({ profiles: ['mem', 'mutex', 'goroutines'], targets: [proxy.address] });
  const run = () => scrapeInto(directory, ['--config', config, '--state-dir', state, '--window', '1s']);
  await run();
  await stopWork();
  await first.stop();

  await startPart(t, () => startEtcd({ listen: address }));
  const written = await run();
  const snapshot = proxy.answers('/debug/pprof/heap').at(-1);
  assert.ok(snapshot !== undefined);
  const line = theOnly(written, 'mem');
  assert.equal(line.reset, true);
  assert.deepEqual(await differences(line.file, snapshot.file), [], 'the new process whole');
  for (const { file } of written) assert.ok((await describe(file)).lowest >= 0);
});

test('Prometheus over TLS is scraped when its certificate is the one that the config trusts', async (t) => {
  const directory = freshDirectory('tls');
  const tls = await makeCertificate(join(directory, 'prometheus'), 'prometheus.test');
  const other = await makeCertificate(join(directory, 'other'), 'prometheus.test');
  const part = await startPart(t, () => startPrometheus({ tls }));
  const configOf = (ca: string, name: string): string =>
    writeConfig({
      profiles: ['mem', 'goroutines'],
      targets: [part.address],
      more: `    scheme: https\n    tls-config: {ca-file: ${ca}, server-name: ${name}}\n`,
    });
  const scrape = (ca: string, name: string) =>
    pyroPull(['scrape', '--out', out, '--config', configOf(ca, name), '--window', '200ms', '--write-empty']);
  const out = join(directory, 'out');

  const trusted = await scrape(tls.certificate, 'prometheus.test');
  assert.equal(trusted.code, 0, trusted.stderr);
  assert.deepEqual(
    readIndex(out)
      .map((line) => line.profile)
      .sort(),
    ['goroutines', 'mem'],
  );
  for (const line of readIndex(out)) assert.ok((await describe(join(out, line.path))).samples > 0);

  for (const failed of [
    await scrape(other.certificate, 'prometheus.test'),
    await scrape(tls.certificate, 'other.test'),
  ]) {
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /certificate/i);
  }
  assert.equal(readIndex(out).length, 2);
});

/** A self-signed certificate for a name, and its key, as files. */
async function makeCertificate(path: string, name: string): Promise<{ certificate: string; key: string }> {
  const openssl = await needCommand('openssl', 'openssl');
  const [certificate, key] = [`${path}.crt`, `${path}.key`];
  const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  await mustRun([openssl, 'req', '-x509', ...algorithm, ...subject, '-out', certificate, '-keyout', key]);
  return { certificate, key };
}

async function startPart(t: TestContext, start: Start): Promise<RunningPart> {
  const part = await start();
  t.after(() => part.stop());
  return part;
}

function jobOf({ basicAuth }: RunningPart): string {
  const cpu = '    profiles: {cpu: {params: {seconds: ["1"]}}}\n';
  if (basicAuth === undefined) return cpu;
  return `${cpu}    basic-auth: ${JSON.stringify(basicAuth)}\n`;
}
