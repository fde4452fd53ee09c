import { freePort } from '../../support/free-port.ts';
import { needCommand } from '../support/debian.ts';
import { keepAsking } from '../support/load.ts';
import { freshDirectory } from '../support/places.ts';
import { startProgram, untilAnswers } from '../support/program.ts';
import type { RunningPart } from './part.ts';

export function prepare(): Promise<string> {
  return needCommand('etcd', 'etcd-server');
}

/** An etcd of one member. It profiles one mutex contention in five, and there are few. */
export async function start(options: { readonly listen?: string } = {}): Promise<RunningPart> {
  const [clientPort, peerPort] = [await freePort(), await freePort()];
  const address = options.listen ?? `127.0.0.1:${clientPort}`;
  const client = `http://${address}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const program = startProgram('etcd', [
    await prepare(),
    '--enable-pprof',
    `--data-dir=${freshDirectory('etcd')}/data`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ]);
  await untilAnswers(program, `${client}/health`);
  const put = JSON.stringify({ key: 'aw==', value: 'dg==' });
  return {
    name: 'etcd',
    address,
    work: () => keepAsking(32, () => [`${client}/v3/kv/put`, { method: 'POST', body: put }]),
    stop: program.stop,
  };
}
