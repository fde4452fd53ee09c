import { consulSdConfigs } from './consul.ts';
import { dnsSdConfigs } from './dns.ts';
import { fileSdConfigs } from './file.ts';
import { httpSdConfigs } from './http.ts';
import { kubernetesSdConfigs } from './kubernetes.ts';
import { staticConfigs } from './static.ts';

/** The ways a job can find its targets, by key. A new one is a module of this folder and a line here. */
export const DISCOVERY_BLOCKS = {
  'static-configs': staticConfigs,
  'file-sd-configs': fileSdConfigs,
  'http-sd-configs': httpSdConfigs,
  'dns-sd-configs': dnsSdConfigs,
  'kubernetes-sd-configs': kubernetesSdConfigs,
  'consul-sd-configs': consulSdConfigs,
};

export type DiscoveryKey = keyof typeof DISCOVERY_BLOCKS;

export const DISCOVERY_KEYS: readonly DiscoveryKey[] = Object.keys(DISCOVERY_BLOCKS).filter(isDiscoveryKey);

function isDiscoveryKey(key: string): key is DiscoveryKey {
  return Object.hasOwn(DISCOVERY_BLOCKS, key);
}

/** Says what there is where a job asks for a mechanism of Prometheus's that there is not. */
export function refusedDiscovery(key: string, written: string): { message: string; hint: string } | undefined {
  if (!/-sd-configs$/.test(key) || isDiscoveryKey(key)) return undefined;
  return { message: `"${written}" is not supported`, hint: `supported: ${DISCOVERY_KEYS.join(', ')}` };
}
