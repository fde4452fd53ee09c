import { DEFAULT_SPY_NAME } from '../config/presets.ts';
import type { ScrapeConfig } from '../config/scrape-config.ts';
import { ValueError } from '../config/value-error.ts';
import type { TargetGroup } from '../discovery/target-group.ts';
import { hashMod } from '../labels/hash-mod.ts';
import {
  ADDRESS_LABEL,
  byName,
  INSTANCE_LABEL,
  isLabelName,
  JOB_LABEL,
  type LabelSet,
  META_PREFIX,
  METRICS_PATH_LABEL,
  NAME_LABEL,
  PARAM_PREFIX,
  PORT_LABEL,
  SCHEME_LABEL,
  SCRAPE_INTERVAL_LABEL,
  SCRAPE_TIMEOUT_LABEL,
  SPY_NAME_LABEL,
} from '../labels/label-set.ts';
import { formatHostPort, parseOrigin } from './address.ts';
import { type ApplicationSource, chooseApplication } from './application.ts';
import { DiscoveredLabels } from './discovered-labels.ts';
import { type EnabledProfile, FanOut, type Variant } from './fan-out.ts';
import { Identities } from './identities.ts';
import { baseUrlOf, type Instance, InstanceTarget } from './instance.ts';
import { pathPrefixOf } from './instance-address.ts';
import { chooseSample } from './sample.ts';
import type { DroppedTarget, DropReason, RejectedTarget, Target } from './target.ts';
import { readTimeoutMs, readTiming, type TimingTexts, timingTextsOf } from './timing.ts';

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
  /** What the application names of its targets were taken from. */
  readonly applicationSources: ReadonlySet<ApplicationSource>;
  /** Unix milliseconds from which on the same groups may give other targets; undefined: never. */
  readonly validUntilMs: number | undefined;
}

/** Kept for display only; a cluster can have very many more. */
const MAX_DROPPED_KEPT = 100;

/**
 * Builds the targets of a job: labels, defaults, relabel rules, address, one target for each enabled profile. What is
 * wrong with one discovered target rejects that one, or that profile of it, and nothing else. `nowMs` decides which targets a
 * job with a `sample` has.
 */
export function targetsFromGroups(
  job: ScrapeConfig,
  groups: readonly TargetGroup[],
  nowMs: number = Date.now(),
): TargetsOfJob {
  const builder = new TargetBuilder(job);
  for (const group of groups) {
    for (const [index, labels] of group.targets.entries()) {
      builder.add(labels, group, `instance ${index} in group ${group.source}`);
    }
  }
  return builder.finish(nowMs);
}

class TargetBuilder {
  readonly #job: ScrapeConfig;
  readonly #defaults: LabelSet;
  readonly #timingTexts: TimingTexts;
  readonly #fanOut: FanOut;
  readonly #identities: Identities;
  /** The targets of each instance that has any. */
  readonly #instances: Target[][] = [];
  readonly #dropped: DroppedTarget[] = [];
  #droppedCount = 0;
  readonly #rejected: RejectedTarget[] = [];
  readonly #warnings = new Set<string>();
  readonly #applicationSources = new Set<ApplicationSource>();

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

  add(targetLabels: LabelSet, group: TargetGroup, place: string): void {
    const discovered = new DiscoveredLabels(targetLabels, group.labels, this.#defaults);
    const result = this.#fanOut.relabelled(discovered.merged());
    if ('droppedBy' in result) {
      this.#drop(discovered, { type: 'relabel', ruleIndex: result.droppedBy });
      return;
    }
    const { variants } = result;
    const mine = variants.filter(({ labels }) => this.#isMine(labels));
    const [other] = variants;
    if (other === undefined) this.#drop(discovered, { type: 'no-profile-enabled' });
    else if (mine.length === 0) this.#drop(discovered, { type: 'shard', shard: this.#shardOf(other.labels) });
    const targets = mine.flatMap((variant) => this.#targetsOfVariant(discovered, variant, group.socketDir, place));
    if (targets.length > 0) this.#instances.push(targets);
  }

  #isMine(labels: LabelSet): boolean {
    return this.#job.shard === undefined || this.#shardOf(labels) === this.#job.shard.index;
  }

  /** By the address as the rules left it, with or without a port: what Prometheus's `hashmod` gives as a last rule. */
  #shardOf(labels: LabelSet): number {
    return Number(hashMod(labels.get(ADDRESS_LABEL) ?? '', BigInt(this.#job.shard?.total ?? 1)));
  }

  #targetsOfVariant(
    discovered: LabelSet,
    { labels, enabled }: Variant,
    socketDir: string | undefined,
    place: string,
  ): Target[] {
    try {
      const instance = this.#readInstance(discovered, labels, socketDir);
      if (enabled.length === 0) this.#drop(discovered, { type: 'no-profile-enabled' });
      return this.#targetsOf(instance, enabled, place);
    } catch (error) {
      this.#reject(discovered, place, error);
      return [];
    }
  }

  #targetsOf(instance: Instance, enabled: readonly EnabledProfile[], place: string): Target[] {
    const targets: Target[] = [];
    const baseUrl = baseUrlOf(instance.origin);
    for (const one of enabled) {
      try {
        const target = this.#target(instance, baseUrl, one);
        if (target !== undefined) targets.push(target);
      } catch (error) {
        this.#reject(instance.discoveredLabels, place, error);
      }
    }
    return targets;
  }

  /** Undefined for a duplicate. Throws a `ValueError`. */
  #target(instance: Instance, baseUrl: string, enabled: EnabledProfile): Target | undefined {
    const request = this.#fanOut.requestFor(enabled, instance.intervalMs);
    const { profile, pathAndQuery, seconds } = request;
    const scrapeTimeoutMs = readTimeoutMs(profile.name, instance.timeoutMs, seconds);
    const key = this.#identities.claim(instance.labels, baseUrl + pathAndQuery, profile.name);
    if (key === undefined) return undefined;
    if (this.#identities.isConfused(instance.labels, pathPrefixOf(pathAndQuery), profile.name)) {
      this.#warn(
        `several instances at ${formatHostPort(instance.origin)}, with different paths, have the same labels: set the label instance by a rule, as from __meta_kubernetes_pod_name`,
      );
    }
    return new InstanceTarget(key, instance, request, scrapeTimeoutMs);
  }

  finish(nowMs: number): TargetsOfJob {
    const validUntilMs = this.#takeSample(nowMs);
    const limit = this.#job.targetLimit;
    if (limit > 0 && this.#instances.length > limit) {
      this.#warn(`${this.#instances.length} instances are more than its target-limit of ${limit}: none is scraped`);
      for (const [first] of this.#instances.splice(0)) {
        if (first !== undefined) this.#drop(first.discoveredLabels, { type: 'target-limit', limit });
      }
    }
    return {
      job: this.#job,
      targets: this.#instances.flat(),
      dropped: this.#dropped,
      droppedCount: this.#droppedCount,
      rejected: this.#rejected,
      duplicates: this.#identities.duplicates,
      warnings: [...this.#warnings],
      applicationSources: this.#applicationSources,
      validUntilMs,
    };
  }

  /** Keeps what a `sample` of the job wants now, and gives the end of that. */
  #takeSample(nowMs: number): number | undefined {
    const { sample } = this.#job;
    if (sample === undefined) return undefined;
    const instances = this.#instances.splice(0);
    const { chosen, validUntilMs } = chooseSample(instances.map(addressOf), sample, nowMs);
    for (const targets of instances) {
      const [first] = targets;
      if (chosen.has(addressOf(targets))) this.#instances.push(targets);
      else if (first !== undefined) this.#drop(first.discoveredLabels, { type: 'sample' });
    }
    return validUntilMs;
  }

  /** Checks what all profiles of one address share. Throws a `ValueError`. */
  #readInstance(discoveredLabels: LabelSet, labels: LabelSet, socketDir: string | undefined): Instance {
    const address = labels.get(ADDRESS_LABEL) ?? '';
    const origin = parseOrigin(address, labels.get(SCHEME_LABEL) ?? '', labels.get(PORT_LABEL) ?? '', socketDir);
    const hostPort = formatHostPort(origin);
    if (labels.has(UNIX_SOCKET_LABEL)) {
      throw new ValueError(
        `${UNIX_SOCKET_LABEL} is not supported`,
        'remove it, and give the socket as the target: unix:///run/app.sock',
      );
    }
    const application = chooseApplication(labels, this.#job);
    checkApplicationName(application?.name ?? '', this.#job.jobName);
    if (application !== undefined) this.#applicationSources.add(application.source);
    const { intervalMs, timeoutMs } = readTiming(this.#job, this.#timingTexts, {
      interval: labels.get(SCRAPE_INTERVAL_LABEL) ?? '',
      timeout: labels.get(SCRAPE_TIMEOUT_LABEL) ?? '',
    });
    return {
      job: this.#job,
      // The string that is there already, where it is the same.
      labels: publicLabels(labels, hostPort === address ? address : hostPort, application?.name ?? ''),
      discoveredLabels,
      spyName: labels.get(SPY_NAME_LABEL) ?? DEFAULT_SPY_NAME,
      origin,
      intervalMs,
      timeoutMs,
    };
  }

  #reject(discoveredLabels: LabelSet, place: string, error: unknown): void {
    if (!(error instanceof ValueError)) throw error;
    const { message, hint } = error;
    const last = this.#rejected.at(-1);
    // Each variant of an instance may have the same fault.
    if (last?.discoveredLabels === discoveredLabels && last.message === message) return;
    this.#rejected.push({ jobName: this.#job.jobName, discoveredLabels, place, message, hint });
  }

  #drop(discoveredLabels: LabelSet, reason: DropReason): void {
    this.#droppedCount += 1;
    if (this.#dropped.length < MAX_DROPPED_KEPT) {
      this.#dropped.push({ jobName: this.#job.jobName, discoveredLabels, reason });
    }
  }
}

/** Of the first target of an instance. */
function addressOf([target]: readonly Target[]): string {
  return target === undefined ? '' : formatHostPort(target.origin);
}

const UNIX_SOCKET_LABEL = '__unix_socket__';
const LONE_SURROGATE = /\p{Cs}/u;

/** As Prometheus has them; the parameters so that rules can read and replace them. */
function defaultLabels(job: ScrapeConfig, timing: TimingTexts): LabelSet {
  const params = [...job.params].map(([key, values]) => [PARAM_PREFIX + key, values[0] ?? ''] as const);
  return new Map([
    [JOB_LABEL, job.jobName],
    [SCHEME_LABEL, job.scheme],
    [SCRAPE_INTERVAL_LABEL, timing.interval],
    [SCRAPE_TIMEOUT_LABEL, timing.timeout],
    ...(job.metricsPath === undefined ? [] : [[METRICS_PATH_LABEL, job.metricsPath] as const]),
    ...params.filter(([name]) => isLabelName(name)),
  ]);
}

/** Without those of discovery and of the rules, sorted by name, with `instance`. Throws a `ValueError`. */
function publicLabels(labels: LabelSet, hostPort: string, application: string): LabelSet {
  const kept: [name: string, value: string][] = [];
  for (const [name, value] of labels) {
    if (name.startsWith(META_PREFIX)) continue;
    if (LONE_SURROGATE.test(value))
      throw new ValueError(`the value of label ${name} is not valid Unicode`, 'mend its source');
    if (!name.startsWith('__')) kept.push([name, value]);
  }
  kept.push([NAME_LABEL, application]);
  if (!labels.has(INSTANCE_LABEL)) kept.push([INSTANCE_LABEL, hostPort]);
  return new Map(kept.sort(byName));
}

/** A Pyroscope server takes no other characters. */
function checkApplicationName(name: string, jobName: string): void {
  if (name === '') {
    const example = /^[A-Za-z0-9_.-]+$/.test(jobName) ? jobName : 'NAME';
    throw new ValueError(
      'no application name',
      `set application: ${example} in the target group, or the label service_name or __name__ with a relabel rule`,
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
