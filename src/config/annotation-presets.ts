import type { WrittenRelabelRule } from '../labels/relabel.ts';

/** Conventions for annotations on pods that say how to profile them. */
export const ANNOTATION_PRESETS = ['pyroscope.io', 'profiles.grafana.com'] as const;

export type AnnotationPreset = (typeof ANNOTATION_PRESETS)[number];

const POD = '__meta_kubernetes_pod_';
const CONTAINER = `${POD}container_name`;
const PORT_NAME = `${POD}container_port_name`;

/** The label of an annotation of either convention. */
function annotation(preset: AnnotationPreset, key: string): string {
  return `${POD}annotation_${`${preset}/${key}`.replace(/\W/g, '_')}`;
}

/**
 * The rules of a job with this preset, before the user's own. Those of `pyroscope.io` are the ones of the pull mode's
 * documentation, those of `profiles.grafana.com` what Grafana's Helm charts configure Alloy with; besides, an application
 * name is found for pods that have none in their annotations, and IPv6 works.
 */
export function rulesOfPreset(preset: AnnotationPreset): readonly WrittenRelabelRule[] {
  const of = (key: string) => annotation(preset, key);
  const rules: WrittenRelabelRule[] =
    preset === 'pyroscope.io'
      ? [
          { action: 'keep', sourceLabels: [of('scrape')], regex: 'true' },
          DROP_ENDED_PODS,
          ...whereGiven(of('container'), CONTAINER),
          ...whereGiven(of('port-name'), PORT_NAME),
          ...addressRules(of('port')),
          schemeRule(of('scheme')),
          ...nameRules([of('application-name')]),
          { action: 'labelmap', regex: `${POD}label_(.+)` },
          { sourceLabels: ['__meta_kubernetes_namespace'], targetLabel: 'kubernetes_namespace' },
          { sourceLabels: [`${POD}name`], targetLabel: 'kubernetes_pod_name' },
          // Also paths and parameters: profile-cpu-path, profile-cpu-param-seconds.
          { action: 'labelmap', regex: `${of('profile-')}(.+)`, replacement: '__profile_$1' },
        ]
      : [
          DROP_ENDED_PODS,
          { action: 'labelmap', regex: `${POD}label_(.+)` },
          { sourceLabels: ['__meta_kubernetes_namespace'], targetLabel: 'namespace' },
          { sourceLabels: [`${POD}name`], targetLabel: 'pod' },
          ...nameRules([annotation('pyroscope.io', 'service_name'), of('service_name')]),
          copyRule(annotation('pyroscope.io', 'service_name'), 'service_name'),
          copyRule(of('service_name'), 'service_name'),
        ];
  return rules.map((rule) => ({ ...rule, preset }));
}

/** The rules of one profile of such a job: they run after all rules of the job, for this profile alone. */
export function profileRulesOfPreset(preset: AnnotationPreset, profile: string): readonly WrittenRelabelRule[] {
  const isGrafana = preset === 'profiles.grafana.com';
  const of = (key: string) =>
    annotation(preset, isGrafana ? `${GRAFANA_KINDS.get(profile) ?? profile}.${key}` : `profile-${profile}-${key}`);
  const portName = of(isGrafana ? 'port_name' : 'port-name');
  const rules: WrittenRelabelRule[] = [
    ...(isGrafana ? [{ action: 'keep', sourceLabels: [of('scrape')], regex: 'true' }] : []),
    ...whereGiven(of('container'), CONTAINER),
    ...whereGiven(portName, PORT_NAME),
    ...addressRules(of('port')),
    schemeRule(of('scheme')),
    ...(isGrafana ? [copyRule(of('path'), `__profile_${profile}_path`), ...containerRules(of, portName)] : []),
  ];
  return rules.map((rule) => ({ ...rule, preset }));
}

/** What the convention calls the profiles that have another name here. */
const GRAFANA_KINDS: ReadonlyMap<string, string> = new Map([
  ['mem', 'memory'],
  ['goroutines', 'goroutine'],
]);

const DROP_ENDED_PODS: WrittenRelabelRule = {
  action: 'drop',
  sourceLabels: [`${POD}phase`],
  regex: 'Pending|Succeeded|Failed|Completed',
};

/** Where the annotation is there, only targets for which `label` equals it stay. */
function whereGiven(wanted: string, label: string): WrittenRelabelRule[] {
  const expected = '__tmp_preset_expected';
  return [
    { sourceLabels: [label], targetLabel: expected },
    copyRule(wanted, expected),
    { action: 'keepequal', sourceLabels: [label], targetLabel: expected },
  ];
}

/** A port that no container declares, too: all targets of a pod then become one. */
function addressRules(port: string): WrittenRelabelRule[] {
  const sourceLabels = [`${POD}ip`, port];
  return [
    { sourceLabels, regex: '([^:;]+);(\\d+)', targetLabel: '__address__', replacement: '$1:$2' },
    { sourceLabels, regex: '([^;]*:[^;]*);(\\d+)', targetLabel: '__address__', replacement: '[$1]:$2' },
  ];
}

function schemeRule(scheme: string): WrittenRelabelRule {
  return { sourceLabels: [scheme], regex: '(https?)', targetLabel: '__scheme__' };
}

/** The last one that is there and can be a name wins: container, the usual labels, annotations. */
function nameRules(annotations: readonly string[]): WrittenRelabelRule[] {
  return [CONTAINER, `${POD}label_app`, `${POD}label_app_kubernetes_io_name`, ...annotations].map((source) => ({
    sourceLabels: [source],
    regex: '([A-Za-z0-9_.-]+)',
    targetLabel: '__name__',
  }));
}

function copyRule(source: string, targetLabel: string): WrittenRelabelRule {
  return { sourceLabels: [source], regex: '(.+)', targetLabel };
}

/**
 * The container's name becomes a label, and part of the service's as in Alloy, unless a port alone says where to go: that may
 * be nobody's, and then the target must be the same for all containers of the pod.
 */
function containerRules(of: (key: string) => string, portName: string): WrittenRelabelRule[] {
  return [
    {
      sourceLabels: [of('port'), portName, of('container'), CONTAINER],
      regex: '(?:;[^;]*;[^;]*|[^;]*;[^;]+;[^;]*|[^;]*;[^;]*;[^;]+);(.+)',
      targetLabel: 'container',
    },
    {
      sourceLabels: ['service_name', '__meta_kubernetes_namespace', 'container'],
      regex: ';(.+);(.+)',
      targetLabel: 'service_name',
      replacement: '$1/$2',
    },
  ];
}
