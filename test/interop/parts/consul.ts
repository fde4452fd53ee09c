import { mkdirSync } from 'node:fs';
import { freePort } from '../../support/free-port.ts';
import { buildCommand } from '../support/go-toolchain.ts';
import { freshDirectory } from '../support/places.ts';
import { startProgram, untilReady } from '../support/program.ts';

/** Builds the agent from its module; minutes on a machine that has never done it. */
export function prepare(): Promise<string> {
  return buildCommand('consul', 'github.com/hashicorp/consul');
}

export interface ConsulAgent {
  /** `host:port` of its HTTP API. */
  readonly address: string;
  /** Sends a request to the HTTP API and gives the answer's JSON. */
  ask(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

export interface ConsulOptions {
  /** To start it again where it was. */
  readonly port?: number;
  /** Keeps its state here; without it the agent is in dev mode and forgets everything when it ends. */
  readonly dataDirectory?: string;
  /** Denies everything that no ACL allows. This token may do all. */
  readonly managementToken?: string;
}

/** A Consul agent and server in one process, on loopback. Its datacenter is `dc1`, its node `n1`. */
export async function start(options: ConsulOptions = {}): Promise<ConsulAgent> {
  const [serverPort, lanPort, wanPort] = [await freePort(), await freePort(), await freePort()];
  const port = options.port ?? (await freePort());
  const { dataDirectory, managementToken: token } = options;
  if (dataDirectory !== undefined) mkdirSync(dataDirectory, { recursive: true });
  const mode =
    dataDirectory === undefined ? ['-dev'] : ['-server', '-bootstrap-expect=1', `-data-dir=${dataDirectory}`];
  const acl =
    token === undefined
      ? ''
      : `acl { enabled = true default_policy = "deny" tokens { initial_management = "${token}" agent = "${token}" } }`;
  const command = [
    await prepare(),
    'agent',
    ...mode,
    '-bind=127.0.0.1',
    '-client=127.0.0.1',
    '-node=n1',
    `-http-port=${port}`,
    `-server-port=${serverPort}`,
    `-serf-lan-port=${lanPort}`,
    `-serf-wan-port=${wanPort}`,
    '-dns-port=-1',
    '-grpc-port=-1',
    '-grpc-tls-port=-1',
    '-log-level=warn',
    // One server elects itself soon, and asks nobody for a newer version.
    `-hcl=performance { raft_multiplier = 1 } disable_update_check = true ${acl}`,
  ];
  const program = startProgram('consul', command, { cwd: freshDirectory('consul') });
  const address = `127.0.0.1:${port}`;
  const headers: Record<string, string> = token === undefined ? {} : { 'x-consul-token': token };
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = JSON.stringify(body);
    const response = await fetch(`http://${address}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`Consul answers ${response.status} to ${method} ${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  await untilReady(program, async () => {
    try {
      // A leader, and this agent's own node in the catalog.
      const nodes = await ask('GET', '/v1/catalog/nodes');
      return Array.isArray(nodes) && nodes.length > 0 ? true : undefined;
    } catch {
      return undefined;
    }
  });
  return { address, ask, stop: program.stop };
}
