import { type CollectFunction, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { LoopEvent } from '../loop/loop-event.ts';
import type { JobView, LoopHandle, LoopView } from '../loop/loop-view.ts';
import { metricsText } from '../safe-text/metrics-text.ts';
import { countsOf } from './overview-of.ts';
import type { RemoteView } from './remote-view.ts';

export interface LoopMetricsDeps {
  readonly handle: LoopHandle;
  readonly jobs: () => readonly JobView[];
  readonly remotes: () => readonly RemoteView[];
  readonly version: string;
}

/** From what localhost answers in to a CPU profile of half a minute. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120];
const LATENESS_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BYTES_BUCKETS = Array.from({ length: 8 }, (_, power) => 1024 * 4 ** power);

type Series = Partial<Record<string, string | number>>;

type MechanismView = ReturnType<LoopView['mechanisms']>[number];

/** Gauges of prom-client with the name of a counter; the sum over those without `_total` says the same. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

const OF_TARGET = ['job', 'profile'] as const;

/** The numbers of a running loop in Prometheus's text format. Counts what happens from its making until `close`. */
export class LoopMetrics {
  readonly #registry = new Registry();
  readonly #deps: LoopMetricsDeps;
  readonly #unsubscribe: () => void;
  readonly #scrapes = this.#counter('scrapes_total', 'Scrapes by what came of them.', [...OF_TARGET, 'outcome']);
  readonly #missed = this.#counter('scrape_missed_total', 'Slots without a scrape, as the last one took too long.', [
    ...OF_TARGET,
  ]);
  readonly #resets = this.#counter('counter_resets_total', 'Deltas that found the instance restarted.', [...OF_TARGET]);
  readonly #duration = this.#histogram(
    'scrape_duration_seconds',
    'From the request to the last byte of its answer, or to its failure.',
    DURATION_BUCKETS,
  );
  readonly #bytes = this.#histogram('profile_bytes', 'Length of good answers as received.', BYTES_BUCKETS);
  readonly #lateness = new Histogram({
    name: 'pyro_pull_scrape_lateness_seconds',
    help: 'From the slot of a scrape to its request.',
    buckets: LATENESS_BUCKETS,
    registers: [this.#registry],
  });
  readonly #reloads = this.#counter('config_reloads_total', 'Reloads of the config.', ['result']);
  readonly #faults = this.#counter('faults_total', 'Faults of pyro-pull itself that the loop survived.', []);

  constructor(deps: LoopMetricsDeps) {
    this.#deps = deps;
    collectDefaultMetrics({ register: this.#registry });
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name);
    this.#defineLoopGauges();
    this.#defineDiscoveryMetrics();
    this.#defineRemoteMetrics();
    this.#reloads.inc({ result: 'success' }, 0);
    this.#reloads.inc({ result: 'failure' }, 0);
    this.#unsubscribe = deps.handle.subscribe(this.#onEvent);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return metricsText(await this.#registry.metrics());
  }

  close(): void {
    this.#unsubscribe();
    this.#registry.clear();
  }

  readonly #onEvent = (event: LoopEvent): void => {
    switch (event.type) {
      case 'round':
        this.#countRound(event);
        return;
      case 'missed':
        this.#missed.inc(targetLabels(event), event.slots);
        return;
      case 'finished':
        if (event.profile.isReset) this.#resets.inc(targetLabels(event));
        return;
      case 'reloaded':
        this.#reloads.inc({ result: 'success' });
        this.#forgetJobs().catch(() => {});
        return;
      case 'reload-failed':
        this.#reloads.inc({ result: 'failure' });
        return;
      case 'fault':
        this.#faults.inc();
        return;
      default:
        return;
    }
  };

  #countRound(event: Extract<LoopEvent, { readonly type: 'round' }>): void {
    const { outcome, durationMs, latenessMs, bytes } = event;
    const labels = targetLabels(event);
    this.#scrapes.inc({ ...labels, outcome });
    if (durationMs !== undefined) this.#duration.observe(labels, durationMs / 1000);
    if (bytes !== undefined) this.#bytes.observe(labels, bytes);
    if (latenessMs !== undefined) this.#lateness.observe(latenessMs / 1000);
  }

  /** Series of jobs that are no more would stay for ever. */
  async #forgetJobs(): Promise<void> {
    const names = new Set(this.#deps.handle.view.jobs().map(({ name }) => name));
    for (const metric of [this.#scrapes, this.#missed, this.#resets, this.#duration, this.#bytes]) {
      const { values } = await metric.get();
      const gone = new Map<string, Series>();
      for (const { labels } of values) {
        // A histogram is removed by the labels of its series, without those of its buckets.
        const { le: _, ...series }: Series = labels;
        if (!names.has(String(series['job']))) gone.set(JSON.stringify(series), series);
      }
      for (const series of gone.values()) metric.remove(series);
    }
  }

  #defineLoopGauges(): void {
    const { handle, jobs, version } = this.#deps;
    const { view } = handle;
    this.#gauge('build_info', 'This program.', ['version', 'nodeversion'], (gauge) =>
      gauge.set({ version, nodeversion: process.version }, 1),
    );
    this.#gauge('ready', 'Whether every job has had one answer of its discovery.', [], (gauge) =>
      gauge.set(view.isReady ? 1 : 0),
    );
    this.#gauge('config_last_reload_successful', 'Whether the config file as last read is in force.', [], (gauge) =>
      gauge.set(view.config.isLastReloadGood ? 1 : 0),
    );
    this.#gauge(
      'config_last_reload_success_timestamp_seconds',
      'When the config in force was read, in Unix time.',
      [],
      (gauge) => gauge.set(view.config.loadedAtMs / 1000),
    );
    this.#gauge(
      'targets',
      'Targets by their state; each is one profile of one instance. Dropped ones are instances.',
      ['job', 'state'],
      (gauge) => {
        for (const { name: job, targets, droppedCount, rejected, duplicates } of jobs()) {
          const counts = {
            ...countsOf(targets),
            dropped: droppedCount,
            rejected: rejected.length,
            duplicate: duplicates,
          };
          for (const [state, count] of Object.entries(counts)) gauge.set({ job, state }, count);
        }
      },
    );
  }

  /** One source of targets is told from the others by the jobs that share it. */
  #defineDiscoveryMetrics(): void {
    const { view } = this.#deps.handle;
    const labelNames = ['mechanism', 'name', 'jobs'];
    const each = (tell: (labels: Series, mechanism: MechanismView) => void) => {
      for (const mechanism of view.mechanisms()) {
        tell({ mechanism: mechanism.mechanism, name: mechanism.name, jobs: mechanism.jobNames.join(',') }, mechanism);
      }
    };
    this.#counter('discovery_refreshes_total', 'Full answers of a source of instances.', labelNames, (counter) => {
      counter.reset();
      each((labels, { refreshes }) => counter.inc(labels, refreshes));
    });
    this.#counter('discovery_failures_total', 'Questions to a source without a good answer.', labelNames, (counter) => {
      counter.reset();
      each((labels, { failedRefreshes }) => counter.inc(labels, failedRefreshes));
    });
    this.#gauge('discovery_failing', 'Whether something is wrong with a source now.', labelNames, (gauge) =>
      each((labels, { failures }) => gauge.set(labels, failures.length > 0 ? 1 : 0)),
    );
    this.#gauge(
      'discovery_targets',
      'Instances in the last full answer of a source, before relabelling.',
      labelNames,
      (gauge) => each((labels, { targets }) => gauge.set(labels, targets)),
    );
    this.#gauge(
      'discovery_last_success_timestamp_seconds',
      'When a source gave its last full answer, in Unix time.',
      labelNames,
      (gauge) =>
        each((labels, { lastSuccessMs }) => {
          if (lastSuccessMs !== undefined) gauge.set(labels, lastSuccessMs / 1000);
        }),
    );
  }

  #defineRemoteMetrics(): void {
    const { remotes } = this.#deps;
    const gauge = (name: string, help: string, numberOf: (remote: RemoteView) => number) =>
      this.#gauge(name, help, ['remote'], (one) => {
        for (const remote of remotes()) one.set({ remote: remote.name }, numberOf(remote));
      });
    gauge('queue_bytes', 'Bytes of profiles that wait for a remote.', ({ queuedBytes }) => queuedBytes);
    gauge('queue_profiles', 'Profiles that wait for a remote.', ({ queued }) => queued);
    gauge('queue_max_bytes', 'How many bytes the queue of a remote may hold.', ({ maxBytes }) => maxBytes);
    gauge('remote_in_flight', 'Profiles on their way to a remote.', ({ inFlight }) => inFlight);
    gauge('remote_up', 'Whether a remote takes profiles.', ({ state }) => (state === 'up' ? 1 : 0));
    const counter = (name: string, help: string, numberOf: (remote: RemoteView) => number) =>
      this.#counter(name, help, ['remote'], (one) => {
        one.reset();
        for (const remote of remotes()) one.inc({ remote: remote.name }, numberOf(remote));
      });
    counter('remote_accepted_total', 'Profiles that a remote has taken.', ({ accepted }) => accepted);
    counter('remote_rejected_total', 'Profiles that a remote refused for good.', ({ rejected }) => rejected);
    counter('remote_retries_total', 'Attempts that failed and are repeated.', ({ retries }) => retries);
    counter('remote_dropped_total', 'Profiles that fell out of the queue undelivered.', ({ dropped }) => dropped);
    counter('remote_corrupt_total', 'Entries of the queue that could not be read.', ({ corrupt }) => corrupt);
    counter('remote_filtered_total', 'Profiles that write-relabel-configs dropped.', ({ filtered }) => filtered);
  }

  #counter(name: string, help: string, labelNames: string[], update?: (counter: Counter) => void): Counter {
    return new Counter({ name: `pyro_pull_${name}`, help, labelNames, ...this.#registering(update) });
  }

  #gauge(name: string, help: string, labelNames: string[], update: (gauge: Gauge) => void): Gauge {
    const updateAfresh = (gauge: Gauge) => {
      gauge.reset(); // what is gone is told no more
      update(gauge);
    };
    return new Gauge({ name: `pyro_pull_${name}`, help, labelNames, ...this.#registering(updateAfresh) });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({
      name: `pyro_pull_${name}`,
      help,
      labelNames: [...OF_TARGET],
      buckets,
      registers: [this.#registry],
    });
  }

  #registering<Metric>(update?: (metric: Metric) => void): {
    registers: Registry[];
    collect?: CollectFunction<Metric>;
  } {
    if (update === undefined) return { registers: [this.#registry] };
    return {
      registers: [this.#registry],
      collect() {
        update(this);
      },
    };
  }
}

function targetLabels({ target }: Extract<LoopEvent, { readonly target: unknown }>): { job: string; profile: string } {
  return { job: target.job.jobName, profile: target.profile.name };
}
