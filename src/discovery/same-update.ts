import { isDeepStrictEqual } from 'node:util';
import type { DiscoveryUpdate } from './discoverer.ts';

/** Whether the second update would tell nobody anything new. */
export function isSameUpdate(a: DiscoveryUpdate, b: DiscoveryUpdate): boolean {
  const messages = ({ failures, warnings }: DiscoveryUpdate) => [failures.map(({ message }) => message), warnings];
  return isDeepStrictEqual(a.groups, b.groups) && isDeepStrictEqual(messages(a), messages(b));
}
