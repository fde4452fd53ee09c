import { Resolver } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { needCommand } from '../support/debian.ts';
import { freshDirectory } from '../support/places.ts';
import { startProgram, untilReady } from '../support/program.ts';

export function prepare(): Promise<string> {
  return needCommand('nsd', 'nsd');
}

export interface NameServer {
  /** `host:port`, UDP and TCP. */
  readonly address: string;
  /** Puts other records into the zone `test`, in the format of zone files without the SOA, and waits until they are served. */
  serve(records: string): Promise<void>;
  stop(): Promise<void>;
}

/** An authoritative server for the zone `test`; for `broken.example` it answers SERVFAIL and for the rest of the world REFUSED. */
export async function start(records: string, options: { readonly port?: number } = {}): Promise<NameServer> {
  const directory = freshDirectory('nsd');
  const port = options.port ?? (await freePort());
  const address = `127.0.0.1:${port}`;
  let serial = 0;
  const write = (text: string): void => {
    serial += 1;
    const head = `$ORIGIN test.\n$TTL 0\n@ SOA ns1 hostmaster ${serial} 3600 600 86400 0\n`;
    writeFileSync(join(directory, 'test.zone'), `${head}${text}\n`);
  };
  write(records);
  const config = join(directory, 'nsd.conf');
  writeFileSync(
    config,
    `server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  zonesdir: "${directory}"
  pidfile: "${directory}/nsd.pid"
  database: ""
  xfrdfile: "${directory}/xfrd.state"
  zonelistfile: "${directory}/zone.list"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "test"
  zonefile: "test.zone"
zone:
  name: "broken.example"
  zonefile: "missing.zone"
`,
  );
  const program = startProgram('nsd', [await prepare(), '-d', '-c', config]);
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([address]);
  const untilServed = (): Promise<true> =>
    untilReady(program, async () => {
      const served = await resolver.resolveSoa('test').catch(() => undefined);
      return served?.serial === serial ? true : undefined;
    });
  await untilServed();
  return {
    address,
    serve: async (text) => {
      write(text);
      process.kill(program.pid, 'SIGHUP');
      await untilServed();
    },
    stop: program.stop,
  };
}
