import type * as z from 'zod/mini';
import type { KubernetesDiscoveryConfig, KubernetesRole } from '../discovery-config.ts';
import type { Reporter } from '../findings.ts';
import { referTo } from '../schema/context.ts';
import { httpClientFrom, httpClientKeys } from '../schema/http-client.ts';
import { exclude } from '../schema/http-client-rules.ts';
import { boolean, scalar, text, textOf, url, word } from '../schema/scalars.ts';
import { list, mapping, texts } from '../schema/structures.ts';
import { withoutUserInfo } from '../schema/user-info.ts';
import { discoveryBlock } from './block.ts';
import { checkFieldSelector, checkLabelSelector } from './kubernetes-selector.ts';

const ROLES = ['pod', 'endpoints', 'endpointslice', 'service', 'ingress', 'node'] as const;

/** For which kinds of objects a role takes selectors, as in Prometheus. */
const SELECTOR_ROLES: Readonly<Record<KubernetesRole, readonly KubernetesRole[]>> = {
  pod: ['pod', 'node'],
  endpoints: ['endpoints', 'service', 'pod'],
  endpointslice: ['endpointslice', 'service', 'pod'],
  service: ['service'],
  ingress: ['ingress'],
  node: ['node'],
};

const item = mapping(() => ({
  role: word(ROLES),
  'api-server': url(['https', 'http']),
  'kubeconfig-file': text(),
  namespaces: mapping(() => ({ names: texts(), 'own-namespace': boolean() })),
  selectors: list(
    mapping(() => ({ role: word(ROLES), label: selector(checkLabelSelector), field: selector(checkFieldSelector) })),
  ),
  'attach-metadata': mapping(() => ({
    node: boolean(),
    namespace: boolean(),
    deployment: boolean(),
    job: boolean(),
    cronjob: boolean(),
  })),
  ...httpClientKeys,
}));

type Written = z.output<typeof item>;

function selector(check: (selector: string) => void) {
  return scalar('a selector', (node) => {
    const written = textOf(node);
    if (written !== '') check(written);
    return written;
  });
}

export const kubernetesSdConfigs = discoveryBlock(item, (written, report, context): KubernetesDiscoveryConfig => {
  for (const rule of RULES) rule(written, report);
  const { namespaces = {}, selectors = [], 'attach-metadata': attach = {} } = written;
  const kubeconfigFile = written['kubeconfig-file'];
  const ownHttp = httpClientFrom(written, report, context);
  const server = withoutUserInfo(written['api-server'] ?? '', ownHttp, report.at('api-server'));
  return {
    mechanism: 'kubernetes',
    role: written.role ?? 'pod',
    apiServer: server.url.replace(/(?<!\/)\/+$/, '') || undefined,
    kubeconfigFile: kubeconfigFile ? referTo(kubeconfigFile, report.at('kubeconfig-file'), context) : undefined,
    namespaces: { names: [...new Set(namespaces.names)], ownNamespace: namespaces['own-namespace'] ?? false },
    selectors: selectors.flatMap((written) => {
      if (!written?.role) return [];
      return [{ role: written.role, label: written.label || undefined, field: written.field || undefined }];
    }),
    attachMetadata: {
      node: attach.node ?? false,
      namespace: attach.namespace ?? false,
      deployment: attach.deployment ?? false,
      job: attach.job ?? false,
      cronjob: attach.cronjob ?? false,
    },
    http: server.http,
  };
});

type Rule = (written: Written, report: Reporter) => void;

const RULES: readonly Rule[] = [roleIsGiven, oneWayToTheServer, httpKeysNeedApiServer, selectorsFitTheRole];

function roleIsGiven(_: Written, report: Reporter): void {
  if (!report.at('role').isWritten) report.error('role is missing', `add role: one of ${ROLES.join(', ')}`);
}

function oneWayToTheServer(written: Written, report: Reporter): void {
  exclude(report, ['api-server', 'kubeconfig-file']);
  if (!written.namespaces?.['own-namespace'] || (!written['api-server'] && !written['kubeconfig-file'])) return;
  report
    .at('namespaces', 'own-namespace')
    .error(
      'is for a process inside the cluster, without api-server and kubeconfig-file',
      'name the namespace under names',
    );
}

/** Credentials from inside the cluster, or of a kubeconfig, are not to be mixed with others. */
function httpKeysNeedApiServer(_: Written, report: Reporter): void {
  if (report.at('api-server').isWritten) return;
  const hasKubeconfig = report.at('kubeconfig-file').isWritten;
  for (const key of Object.keys(httpClientKeys)) {
    if (!report.at(key).isWritten) continue;
    const place = report.at(key);
    if (hasKubeconfig) place.error(`"${place.key}" and kubeconfig-file exclude each other`, 'keep one of them', 'key');
    else place.error(`"${place.key}" needs api-server`, 'in the cluster the service account is used: remove it', 'key');
  }
}

function selectorsFitTheRole({ role, selectors = [], 'attach-metadata': attach }: Written, report: Reporter): void {
  const seen = new Set<KubernetesRole>();
  for (const [index, selector] of selectors.entries()) {
    const place = report.at('selectors', index);
    if (!selector) continue;
    if (!selector.role) {
      if (!place.at('role').isWritten) place.error('role is missing', 'say which kind of object it selects');
      continue;
    }
    if (seen.has(selector.role)) place.at('role').error(`a second selector for role ${selector.role}`, 'join the two');
    seen.add(selector.role);
    if (!role) continue;
    if (!SELECTOR_ROLES[role].includes(selector.role)) {
      const allowed = SELECTOR_ROLES[role].join(', ');
      place.at('role').error(`role ${role} takes no selector for role ${selector.role}`, `it takes ${allowed}`);
    } else if (role === 'pod' && selector.role === 'node' && !attach?.node) {
      place.warn('has no effect without attach-metadata: {node: true}', 'add that or remove the selector');
    }
  }
}
