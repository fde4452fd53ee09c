import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { needCommand } from '../support/debian.ts';
import { keepAsking } from '../support/load.ts';
import { freshDirectory } from '../support/places.ts';
import { startProgram, untilAnswers, untilReady } from '../support/program.ts';
import type { RunningPart } from './part.ts';

export function prepare(): Promise<string> {
  return needCommand('prometheus', 'prometheus');
}

export interface PrometheusOptions {
  /** Paths of a certificate and its key: it then speaks HTTPS, and offers HTTP/2 as Go does. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Prometheus that scrapes itself; `DEBUG` switches its mutex and block profiles on. */
export async function start({ tls }: PrometheusOptions = {}): Promise<RunningPart> {
  const directory = freshDirectory('prometheus');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const config = join(directory, 'prometheus.yml');
  writeFileSync(
    config,
    `global: {scrape_interval: 1s}
scrape_configs:
- job_name: self
  static_configs: [{targets: ["${address}"]}]
`,
  );
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${directory}/data`, `--web.listen-address=${address}`];
  if (tls !== undefined) {
    const webConfig = join(directory, 'web.yml');
    writeFileSync(webConfig, `tls_server_config: {cert_file: ${tls.certificate}, key_file: ${tls.key}}\n`);
    flags.push(`--web.config.file=${webConfig}`);
  }
  const program = startProgram('prometheus', [await prepare(), ...flags], { env: { DEBUG: '1' } });
  if (tls === undefined) await untilAnswers(program, `http://${address}/-/ready`);
  else await untilReady(program, () => (/Server is ready/.test(program.output()) ? true : undefined));
  return {
    name: 'prometheus',
    address,
    work: () =>
      keepAsking(8, () => {
        const now = Math.floor(Date.now() / 1000);
        const query = 'sum by (handler) (rate(prometheus_http_requests_total[1m]))';
        return [`http://${address}/api/v1/query_range?query=${query}&start=${now - 300}&end=${now}&step=1`, {}];
      }),
    stop: program.stop,
  };
}
