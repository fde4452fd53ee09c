import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { freePort } from '../../support/free-port.ts';
import { goCommand } from '../support/go-toolchain.ts';
import { CACHE, freshDirectory, INTEROP } from '../support/places.ts';
import { startProgram, untilAnswers } from '../support/program.ts';
import { mustRun } from '../support/run-command.ts';

/**
 * The release that the Go module proxy offers here. It refuses the module of 2.x (`github.com/grafana/pyroscope/v2`), and
 * lists no other 1.x.
 */
const MODULE = 'github.com/grafana/pyroscope';
const VERSION = 'v1.6.0';

const GO = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' };
const downloaded = z.object({ Dir: z.string() });

let building: Promise<string> | undefined;

/** Builds the server from its module; minutes on a machine that has never done it. */
export function prepare(): Promise<string> {
  building ??= build();
  return building;
}

async function build(): Promise<string> {
  const directory = join(CACHE, `pyroscope-${VERSION}`);
  const executable = join(directory, 'pyroscope');
  if (existsSync(executable)) return executable;
  const go = await goCommand();
  const answer = await mustRun([go, 'mod', 'download', '-json', `${MODULE}@${VERSION}`], { env: GO });
  const source = join(directory, 'source');
  // A copy, because Go lets nobody add files to a module that it has downloaded.
  mkdirSync(source, { recursive: true });
  const { Dir: module } = downloaded.parse(JSON.parse(answer));
  for (const part of ['cmd', 'pkg', 'public', 'go.mod', 'go.sum']) {
    cpSync(join(module, part), join(source, part), { recursive: true, force: true });
  }
  makeWritable(source);
  cpSync(join(INTEROP, 'pyroscope/added'), source, { recursive: true });
  for (const file of ['go.mod', 'go.sum']) {
    copyFileSync(join(INTEROP, 'pyroscope', file), join(directory, file));
    chmodSync(join(directory, file), 0o644);
  }
  appendFileSync(join(directory, 'go.mod'), `\nreplace ${MODULE} ${VERSION} => ./source\n`);
  // It links to internals of the runtime that Go has closed since.
  const flags = ['-buildvcs=false', '-mod=mod', '-ldflags=-checklinkname=0', '-o', `${executable}.new`];
  await mustRun([go, 'build', ...flags, `${MODULE}/cmd/pyroscope`], { cwd: directory, env: GO });
  await mustRun(['mv', `${executable}.new`, executable]);
  return executable;
}

/** Downloaded modules are read-only, and so are copies of them. */
function makeWritable(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) makeWritable(path);
    else chmodSync(path, 0o644);
  }
}

export interface PyroscopeServer {
  readonly url: string;
  readonly pid: number;
  output(): string;
  stop(): Promise<void>;
}

export interface PyroscopeOptions {
  /** To start it again where it was, with what it had. */
  readonly port?: number;
  readonly dataDirectory?: string;
  readonly flags?: readonly string[];
}

/**
 * A Pyroscope server in one process. Every address is on loopback: left to itself it binds to all, and looks for a private
 * network interface to announce itself with, which a machine may not have.
 */
export async function start(options: PyroscopeOptions = {}): Promise<PyroscopeServer> {
  const executable = await prepare();
  const [grpcPort, gossipPort] = [await freePort(), await freePort()];
  const port = options.port ?? (await freePort());
  const data = options.dataDirectory ?? join(freshDirectory('pyroscope'), 'data');
  mkdirSync(data, { recursive: true });
  const config = join(freshDirectory('pyroscope'), 'empty.yml');
  writeFileSync(config, '');
  const command = [
    executable,
    '-target=all',
    `-config.file=${config}`,
    '-server.http-listen-address=127.0.0.1',
    `-server.http-listen-port=${port}`,
    '-server.grpc-listen-address=127.0.0.1',
    `-server.grpc-listen-port=${grpcPort}`,
    '-memberlist.bind-addr=127.0.0.1',
    `-memberlist.bind-port=${gossipPort}`,
    '-memberlist.advertise-addr=127.0.0.1',
    `-pyroscopedb.data-path=${data}/db`,
    '-storage.backend=filesystem',
    `-storage.filesystem.dir=${data}/objects`,
    '-ingester.lifecycler.addr=127.0.0.1',
    '-ingester.min-ready-duration=0s',
    '-ring.store=inmemory',
    ...['distributor', 'compactor', 'overrides-exporter', 'query-scheduler'].flatMap((ring) => [
      `-${ring}.ring.store=inmemory`,
      `-${ring}.ring.instance-addr=127.0.0.1`,
    ]),
    '-store-gateway.sharding-ring.store=inmemory',
    '-store-gateway.sharding-ring.instance-addr=127.0.0.1',
    '-query-frontend.instance-addr=127.0.0.1',
    '-usage-stats.enabled=false',
    '-self-profiling.disable-push=true',
    '-tracing.enabled=false',
    ...(options.flags ?? []),
  ];
  // Since Go 1.22 its two registrations of /debug/pprof/ contradict each other.
  const program = startProgram('pyroscope', command, { env: { GODEBUG: 'httpmuxgo121=1' } });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(program, `${url}/ready`);
  return { url, pid: program.pid, output: program.output, stop: program.stop };
}
