import type { StaticDiscoveryConfig } from '../config/discovery-config.ts';
import type { Discoverer, DiscoveryUpdate } from './discoverer.ts';
import { targetGroupOf } from './target-group-of.ts';
import { untilAborted } from './wait.ts';

/** The groups that stand in the config itself, where their source leads: `static-configs[2]`. */
export function createStaticDiscoverer(config: StaticDiscoveryConfig, name: string): Discoverer {
  const update: DiscoveryUpdate = {
    groups: config.groups.map((group, index) => targetGroupOf(group, `${name}[${index}]`, { socketDir: config.dir })),
    failures: [],
    warnings: [],
  };
  return {
    name,
    once: async () => update,
    async *watch(signal) {
      yield update;
      await untilAborted(signal);
    },
  };
}
