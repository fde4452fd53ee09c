import { formatHostPort } from './address.ts';
import type { Target } from './target.ts';

/**
 * The address of a target's instance with what its paths begin with: `shop:6060`, or
 * `api:6443/api/v1/namespaces/shop/pods/cart-0:6060/proxy` for a pod behind the proxy of an API server. The targets for which
 * it is equal are profiles of one process, as far as anybody can see from outside.
 */
export function instanceAddressOf({ origin, pathAndQuery }: Pick<Target, 'origin' | 'pathAndQuery'>): string {
  return formatHostPort(origin) + pathPrefixOf(pathAndQuery);
}

/** Tells two instances of a run apart: by job, scheme, address with path prefix, and the label `instance`. */
export function instanceIdOf(target: Pick<Target, 'job' | 'labels' | 'origin' | 'pathAndQuery'>): string {
  const { job, labels, origin } = target;
  const label = labels.get('instance') ?? '';
  return JSON.stringify([job.jobName, origin.scheme, instanceAddressOf(target), label]);
}

/**
 * What stands before the profiles in a path, without a slash at the end: all before `/debug/pprof/` (or another `/debug/`),
 * else all up to a `/proxy/`, as the Kubernetes API server has it. Empty for most targets, and where there is neither.
 */
export function pathPrefixOf(pathAndQuery: string): string {
  const query = pathAndQuery.indexOf('?');
  const path = query === -1 ? pathAndQuery : pathAndQuery.slice(0, query);
  for (const mark of ['/debug/pprof/', '/debug/']) {
    const at = path.lastIndexOf(mark);
    if (at !== -1) return path.slice(0, at);
  }
  const proxy = path.lastIndexOf('/proxy/');
  return proxy === -1 ? '' : path.slice(0, proxy + '/proxy'.length);
}
