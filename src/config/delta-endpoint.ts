import type { ProfileConfig } from './scrape-config.ts';

/** The endpoints of Go's godeltaprof package, below whatever prefix. */
const DELTA_PATH = /\/delta_(?:heap|mutex|block)\/?$/;
/** Those of net/http/pprof that they stand in for. */
const STANDARD_PATH = /\/(?:heap|mutex|block)\/?$/;

/**
 * Whether a request leads to an endpoint of Go's godeltaprof package, where the target itself subtracts, from its last answer
 * to anyone, and ignores `seconds`. The path in force decides, with or without a query. Where it is neither a known delta
 * endpoint nor a standard one, the config does: `use-delta-profiles` with a path of the user's own.
 */
export function isDeltaEndpoint(profile: Pick<ProfileConfig, 'usesDeltaEndpoint'>, pathAndQuery: string): boolean {
  const query = pathAndQuery.indexOf('?');
  const path = query === -1 ? pathAndQuery : pathAndQuery.slice(0, query);
  return DELTA_PATH.test(path) || (profile.usesDeltaEndpoint && !STANDARD_PATH.test(path));
}
