import type { ScrapeConfig } from '../config/scrape-config.ts';
import { ValueError } from '../config/value-error.ts';
import type { TargetGroup } from '../discovery/target-group.ts';
import {
  ADDRESS_LABEL,
  byName,
  INSTANCE_LABEL,
  isLabelName,
  JOB_LABEL,
  type LabelSet,
  META_PREFIX,
  NAME_LABEL,
  PARAM_PREFIX,
  PORT_LABEL,
  SCHEME_LABEL,
  SCRAPE_INTERVAL_LABEL,
  SCRAPE_TIMEOUT_LABEL,
} from '../labels/label-set.ts';
import { relabel } from '../labels/relabel.ts';
import { formatHostPort, parseOrigin } from './address.ts';
import { FanOut, type Instance } from './fan-out.ts';
import { Identities } from './identities.ts';
import type { DroppedTarget, DropReason, RejectedTarget, Target } from './target.ts';
import { readTiming, type TimingTexts, timingTextsOf } from './timing.ts';

/** What discovery's groups come to under one job. */
export interface TargetsOfJob {
  readonly job: ScrapeConfig;
  readonly targets: readonly Target[];
  /** The first of those that the job does not want, up to 100. */
  readonly dropped: readonly DroppedTarget[];
  readonly droppedCount: number;
  readonly rejected: readonly RejectedTarget[];
  /** Targets that are the same as another one and are scraped once. */
  readonly duplicates: number;
  /** Each sentence once, however many targets it is about. */
  readonly warnings: readonly string[];
}

/** Kept for display only; a cluster can have very many more. */
const MAX_DROPPED_KEPT = 100;

/**
 * Builds the targets of a job: labels, defaults, relabel rules, address, one target for each enabled profile. What is
 * wrong with one discovered target rejects that one, or that profile of it, and nothing else.
 */
export function targetsFromGroups(job: ScrapeConfig, groups: readonly TargetGroup[]): TargetsOfJob {
  const builder = new TargetBuilder(job);
  for (const group of groups) {
    for (const [index, labels] of group.targets.entries()) {
      builder.add(labels, group.labels, `instance ${index} in group ${group.source}`);
    }
  }
  return builder.finish();
}

class TargetBuilder {
  readonly #job: ScrapeConfig;
  readonly #defaults: readonly (readonly [name: string, value: string])[];
  readonly #timingTexts: TimingTexts;
  readonly #fanOut: FanOut;
  readonly #identities: Identities;
  readonly #instances = new Map<LabelSet, Target[]>();
  readonly #dropped: DroppedTarget[] = [];
  #droppedCount = 0;
  readonly #rejected: RejectedTarget[] = [];
  readonly #warnings = new Set<string>();

  constructor(job: ScrapeConfig) {
    this.#job = job;
    this.#timingTexts = timingTextsOf(job);
    this.#defaults = defaultLabels(job, this.#timingTexts);
    this.#fanOut = new FanOut(job, this.#warn);
    this.#identities = new Identities(job.jobName);
  }

  readonly #warn = (message: string): void => {
    this.#warnings.add(`job ${this.#job.jobName}: ${message}`);
  };

  add(targetLabels: LabelSet, groupLabels: LabelSet, place: string): void {
    const discovered = this.#discoveredLabels(targetLabels, groupLabels);
    const result = relabel(discovered, this.#job.relabelRules, this.#warn);
    if ('droppedBy' in result) {
      this.#drop(discovered, { type: 'relabel', ruleIndex: result.droppedBy });
      return;
    }
    const reject = (error: unknown): void => {
      if (!(error instanceof ValueError)) throw error;
      const { message, hint } = error;
      this.#rejected.push({ jobName: this.#job.jobName, discoveredLabels: discovered, place, message, hint });
    };
    try {
      this.#addInstance(discovered, this.#readInstance(result.labels), reject);
    } catch (error) {
      reject(error);
    }
  }

  #addInstance(discovered: LabelSet, instance: Instance, reject: (error: unknown) => void): void {
    const enabled = this.#fanOut.enabledFor(instance);
    if (enabled.length === 0) this.#drop(discovered, { type: 'no-profile-enabled' });
    const targets: Target[] = [];
    for (const profile of enabled) {
      try {
        const request = this.#fanOut.build(instance, profile);
        const key = this.#identities.claim(instance.labels, request);
        if (key !== undefined) targets.push({ key, discoveredLabels: discovered, ...request });
      } catch (error) {
        reject(error);
      }
    }
    if (targets.length > 0) this.#instances.set(discovered, targets);
  }

  finish(): TargetsOfJob {
    const limit = this.#job.targetLimit;
    if (limit > 0 && this.#instances.size > limit) {
      this.#warn(`${this.#instances.size} targets are more than its target-limit of ${limit}: none is scraped`);
      for (const discovered of this.#instances.keys()) this.#drop(discovered, { type: 'target-limit', limit });
      this.#instances.clear();
    }
    return {
      job: this.#job,
      targets: [...this.#instances.values()].flat(),
      dropped: this.#dropped,
      droppedCount: this.#droppedCount,
      rejected: this.#rejected,
      duplicates: this.#identities.duplicates,
      warnings: [...this.#warnings],
    };
  }

  /** The target's own labels, then the group's, then the job's defaults; each only where there is none yet. */
  #discoveredLabels(targetLabels: LabelSet, groupLabels: LabelSet): LabelSet {
    const labels = new Map<string, string>();
    for (const source of [targetLabels, groupLabels, this.#defaults]) {
      for (const [name, value] of source) if (value !== '' && !labels.has(name)) labels.set(name, value);
    }
    return labels;
  }

  /** Checks what all profiles of one address share. Throws a `ValueError`. */
  #readInstance(labels: LabelSet): Instance {
    const get = (name: string): string => labels.get(name) ?? '';
    const origin = parseOrigin(get(ADDRESS_LABEL), get(SCHEME_LABEL), get(PORT_LABEL));
    if (get(UNIX_SOCKET_LABEL) !== '')
      throw new ValueError('unix sockets are not supported', `remove ${UNIX_SOCKET_LABEL}`);
    checkApplicationName(get(NAME_LABEL));
    const timing = readTiming(this.#job, this.#timingTexts, {
      interval: get(SCRAPE_INTERVAL_LABEL),
      timeout: get(SCRAPE_TIMEOUT_LABEL),
    });
    const publicLabels: [string, string][] = [];
    for (const [name, value] of labels) {
      if (name.startsWith(META_PREFIX)) continue;
      if (LONE_SURROGATE.test(value))
        throw new ValueError(`the value of label ${name} is not valid Unicode`, 'mend its source');
      if (!name.startsWith('__') || name === NAME_LABEL) publicLabels.push([name, value]);
    }
    if (!labels.has(INSTANCE_LABEL)) publicLabels.push([INSTANCE_LABEL, formatHostPort(origin)]);
    return { labels: new Map(publicLabels.sort(byName)), privateLabels: labels, origin, timing };
  }

  #drop(discoveredLabels: LabelSet, reason: DropReason): void {
    this.#droppedCount += 1;
    if (this.#dropped.length < MAX_DROPPED_KEPT) {
      this.#dropped.push({ jobName: this.#job.jobName, discoveredLabels, reason });
    }
  }
}

const UNIX_SOCKET_LABEL = '__unix_socket__';
const LONE_SURROGATE = /\p{Cs}/u;

/** As Prometheus has them; the parameters so that rules can read and replace them. */
function defaultLabels(job: ScrapeConfig, timing: TimingTexts): (readonly [name: string, value: string])[] {
  const params = [...job.params].map(([key, values]) => [PARAM_PREFIX + key, values[0] ?? ''] as const);
  return [
    [JOB_LABEL, job.jobName],
    [SCHEME_LABEL, job.scheme],
    [SCRAPE_INTERVAL_LABEL, timing.interval],
    [SCRAPE_TIMEOUT_LABEL, timing.timeout],
    ...params.filter(([name]) => isLabelName(name)),
  ];
}

/** A Pyroscope server takes no other characters. */
function checkApplicationName(name: string): void {
  if (name === '') {
    throw new ValueError(
      'no application name',
      'set application in the target group, or the label __name__ with a relabel rule',
    );
  }
  const bad = /[^A-Za-z0-9_.-]/u.exec(name)?.[0];
  if (bad !== undefined) {
    throw new ValueError(
      `invalid application name ${JSON.stringify(name)}: character ${JSON.stringify(bad)} is not allowed`,
      'letters, digits, "_", "." and "-" are',
    );
  }
}
