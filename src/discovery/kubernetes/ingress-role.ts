import { ADDRESS_LABEL, withoutEmpty } from '../../labels/label-set.ts';
import { isMap, listOf, mapOf, textOf, textsOf } from '../json.ts';
import { objectLabels, PREFIX } from './meta-labels.ts';
import { at } from './objects.ts';
import { namespaceLabels, type Role } from './role.ts';

/** A target for each path of each rule, under the rule's host. */
export const ingressRole: Role = {
  resource: 'ingresses',
  sourcePrefix: 'ingress',
  build(ingress, context) {
    const tlsHosts = listOf(at(ingress, 'spec', 'tls')).flatMap((tls) => textsOf(mapOf(tls)['hosts']));
    const targets = listOf(at(ingress, 'spec', 'rules'))
      .map(mapOf)
      .flatMap(({ host: written, http }) => {
        const host = textOf(written);
        const scheme = tlsHosts.some((one) => coversHost(one, host)) ? 'https' : 'http';
        return pathsOf(http).map((path) =>
          withoutEmpty([
            [ADDRESS_LABEL, host],
            [`${PREFIX}ingress_scheme`, scheme],
            [`${PREFIX}ingress_host`, host],
            [`${PREFIX}ingress_path`, path],
          ]),
        );
      });
    const labels = withoutEmpty([
      ...objectLabels(ingress, 'ingress'),
      ...namespaceLabels(ingress, context),
      [`${PREFIX}ingress_class_name`, textOf(at(ingress, 'spec', 'ingressClassName'))],
    ]);
    return { labels, targets };
  },
};

/** A rule without an http part stands for all paths. */
function pathsOf(http: unknown): string[] {
  if (!isMap(http)) return ['/'];
  return listOf(http['paths']).map((path) => textOf(mapOf(path)['path']) || '/');
}

/** A star stands for exactly one part of the name. */
function coversHost(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  return pattern.startsWith('*.') && host !== '' && pattern.slice(1) === host.replace(/^[^.]*/, '');
}
