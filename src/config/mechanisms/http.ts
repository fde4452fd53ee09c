import type { HttpDiscoveryConfig } from '../discovery-config.ts';
import { httpClientFrom, httpClientKeys } from '../schema/http-client.ts';
import { duration, POSITIVE_MS, url } from '../schema/scalars.ts';
import { mapping } from '../schema/structures.ts';
import { withoutUserInfo } from '../schema/user-info.ts';
import { discoveryBlock } from './block.ts';

const DEFAULT_REFRESH_MS = 60_000;

export const httpSdConfigs = discoveryBlock(
  mapping(() => ({ url: url(['http', 'https']), 'refresh-interval': duration(POSITIVE_MS), ...httpClientKeys })),
  (written, report, context): HttpDiscoveryConfig => {
    if (!report.at('url').isWritten) report.error('url is missing', 'add url: http://host/targets');
    const http = httpClientFrom(written, report, context);
    // The URL becomes the label __meta_url, which is no place for a password.
    const bare = withoutUserInfo(written.url ?? '', http, report.at('url'));
    return {
      mechanism: 'http',
      url: bare.url,
      refreshIntervalMs: written['refresh-interval'] ?? DEFAULT_REFRESH_MS,
      http: bare.http,
    };
  },
);
