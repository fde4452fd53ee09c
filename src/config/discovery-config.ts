import type { LabelSet } from '../labels/label-set.ts';
import type { HttpClientConfig } from './http-client-config.ts';

/**
 * What a job says about one source of targets, after defaults. A new mechanism is one member here, one entry in the
 * schema table of this folder, and one folder and line in `discovery/`.
 */
export type DiscoveryConfig =
  | StaticDiscoveryConfig
  | FileDiscoveryConfig
  | HttpDiscoveryConfig
  | DnsDiscoveryConfig
  | KubernetesDiscoveryConfig
  | ConsulDiscoveryConfig;

/** All static blocks of a job together. */
export interface StaticDiscoveryConfig {
  readonly mechanism: 'static';
  readonly groups: readonly StaticGroup[];
  /** Where relative unix sockets lie: the directory of the config file. */
  readonly dir: string;
}

/** One entry of `static-configs`, or of a discovery file. */
export interface StaticGroup {
  readonly targets: readonly string[];
  readonly labels: LabelSet;
  readonly application: string | undefined;
  readonly spyName: string | undefined;
}

export interface FileDiscoveryConfig {
  readonly mechanism: 'file';
  /** Patterns, already joined to the config file's directory. */
  readonly files: readonly string[];
  readonly refreshIntervalMs: number;
}

export interface HttpDiscoveryConfig {
  readonly mechanism: 'http';
  readonly url: string;
  readonly refreshIntervalMs: number;
  readonly http: HttpClientConfig;
}

export interface DnsDiscoveryConfig {
  readonly mechanism: 'dns';
  readonly names: readonly string[];
  readonly type: 'A' | 'AAAA' | 'SRV' | 'MX' | 'NS';
  readonly port: number | undefined;
  readonly refreshIntervalMs: number;
}

export type KubernetesRole = 'pod' | 'endpoints' | 'endpointslice' | 'service' | 'ingress' | 'node';

export interface KubernetesDiscoveryConfig {
  readonly mechanism: 'kubernetes';
  readonly role: KubernetesRole;
  readonly apiServer: string | undefined;
  readonly kubeconfigFile: string | undefined;
  readonly namespaces: { readonly names: readonly string[]; readonly ownNamespace: boolean };
  readonly selectors: readonly {
    readonly role: KubernetesRole;
    readonly label: string | undefined;
    readonly field: string | undefined;
  }[];
  readonly attachMetadata: {
    readonly node: boolean;
    readonly namespace: boolean;
    readonly deployment: boolean;
    readonly job: boolean;
    readonly cronjob: boolean;
  };
  readonly http: HttpClientConfig;
}

export interface ConsulDiscoveryConfig {
  readonly mechanism: 'consul';
  readonly server: string;
  readonly scheme: 'http' | 'https';
  /** Put before `/v1`. */
  readonly pathPrefix: string | undefined;
  readonly token: string | undefined;
  readonly datacenter: string | undefined;
  readonly namespace: string | undefined;
  readonly partition: string | undefined;
  readonly tagSeparator: string;
  readonly allowStale: boolean;
  readonly refreshIntervalMs: number;
  readonly services: readonly string[];
  readonly tags: readonly string[];
  readonly nodeMeta: ReadonlyMap<string, string>;
  /** Filter expression of the catalog call. */
  readonly filter: string | undefined;
  /** Filter expression of the health call. */
  readonly healthFilter: string | undefined;
  readonly http: HttpClientConfig;
}
