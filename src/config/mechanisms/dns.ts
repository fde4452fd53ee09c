import type { DnsDiscoveryConfig } from '../discovery-config.ts';
import { duration, integer, POSITIVE_MS, word } from '../schema/scalars.ts';
import { mapping, texts } from '../schema/structures.ts';
import { discoveryBlock } from './block.ts';

const DEFAULT_REFRESH_MS = 30_000;

export const dnsSdConfigs = discoveryBlock(
  mapping(() => ({
    names: texts(),
    type: word(['SRV', 'A', 'AAAA', 'MX', 'NS'], { ignoresCase: true }),
    port: integer({ min: 1n, max: 65_535n }),
    'refresh-interval': duration(POSITIVE_MS),
  })),
  (written, report): DnsDiscoveryConfig => {
    const { names = [], type = 'SRV', port } = written;
    if (names.length === 0 && !report.at('names', 0).isWritten)
      report.error('names no DNS name', 'add names: [db.example.com]');
    if (type !== 'SRV' && !report.at('port').isWritten && (written.type || !report.at('type').isWritten)) {
      report.error(`type ${type} needs a port`, 'its records have none: add port: 6060');
    }
    return {
      mechanism: 'dns',
      names,
      type,
      port: port === undefined ? undefined : Number(port),
      refreshIntervalMs: written['refresh-interval'] ?? DEFAULT_REFRESH_MS,
    };
  },
);
