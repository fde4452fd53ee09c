import type { DiscoveryConfig } from '../config/discovery-config.ts';
import type { Environment } from '../http/proxy.ts';
import type { Discoverer } from './discoverer.ts';
import type { DiscovererDeps } from './refresh-meter.ts';
import { createStaticDiscoverer } from './static.ts';

/**
 * The table of mechanisms: a new one is a folder and a line here. Those that bring weight are imported only where a
 * config has them. `name` is for messages: `file-sd-configs[0]`.
 */
export async function createDiscoverer(
  config: DiscoveryConfig,
  name: string,
  deps: DiscovererDeps,
  environment: Environment,
): Promise<Discoverer> {
  switch (config.mechanism) {
    case 'static':
      return createStaticDiscoverer(config, name);
    case 'file': {
      const { FileDiscoverer } = await import('./file/file-discoverer.ts');
      return new FileDiscoverer(config, name, deps);
    }
    case 'http': {
      const { createHttpDiscoverer } = await import('./http/http-discoverer.ts');
      return createHttpDiscoverer(config, name, deps, environment);
    }
    case 'dns': {
      const { createDnsDiscoverer } = await import('./dns/dns-discoverer.ts');
      return createDnsDiscoverer(config, name, deps);
    }
    case 'consul': {
      const { ConsulDiscoverer } = await import('./consul/consul-discoverer.ts');
      return new ConsulDiscoverer(config, name, deps, environment);
    }
    case 'kubernetes': {
      const { createKubernetesDiscoverer } = await import('./kubernetes/kubernetes-discoverer.ts');
      return createKubernetesDiscoverer(config, name, deps, environment);
    }
  }
}

/** What a config block of this mechanism is called. */
export function blockName(mechanism: DiscoveryConfig['mechanism']): string {
  return mechanism === 'static' ? 'static-configs' : `${mechanism}-sd-configs`;
}
