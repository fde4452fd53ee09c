import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { PushLimits, RemoteWriteConfig } from '../../config/scrape-config.ts';
import { type LabelSet, NAME_LABEL } from '../../labels/label-set.ts';
import { relabel } from '../../labels/relabel.ts';
import { gunzip, gunzipOffThread, isGzip } from '../../profile/gunzip.ts';
import type { EntryMeta } from '../queue/entry-meta.ts';
import { findLimitFault, type LimitFault } from './check-limits.ts';
import { inspectProfile } from './inspect-profile.ts';
import type { OutgoingProfile } from './outgoing-profile.ts';
import { rewriteProfile, withTimeNanos, withUtf8 } from './rewrite-profile.ts';
import { planSampleLabels } from './sample-labels.ts';
import { planSampleTypes, renameSampleTypes } from './sample-type-names.ts';
import { ADDED_LABELS, seriesLabelsOf } from './series-labels.ts';

/** Times of a clock that is further off than this are not sent: the server has a window. */
export const MAX_OFFSET_MS = 120_000;
/** An earlier time is a unit mistaken, or none; servers think so, too. */
const FIRST_CREDIBLE_NANOS = 31_536_000_000_000_000n;
const MAX_INFLATED_BYTES = 512 * 1024 * 1024;
/** Inflated sooner than a thread of the pool is woken. */
const SMALL_BYTES = 32 * 1024;

const deflate = promisify(gzip);

export interface PreparedProfile {
  readonly meta: EntryMeta;
  readonly body: Uint8Array;
  /** Why the server would refuse it; undefined where nothing speaks against it. */
  readonly fault: LimitFault | undefined;
  /** How far the target's clock is ahead of ours (behind: negative); undefined where the profile has no time. */
  readonly clockOffsetMs: number | undefined;
  readonly notes: readonly PrepareNote[];
}

/** What was done to a profile, or should be known about it. */
export type PrepareNote =
  | {
      readonly type: 'sample-labels';
      /** By the name in the profile; undefined where the label was left out. */
      readonly renamed: ReadonlyMap<string, string | undefined>;
      readonly lostLabels: number;
    }
  | { readonly type: 'sample-types'; readonly renamed: ReadonlyMap<string, string> }
  | { readonly type: 'over-burst'; readonly pprofBytes: number; readonly burstBytes: number };

/**
 * Makes a profile fit for a remote: its labels, labels on its samples that every server takes, a time that is in the
 * server's window, and a word about what the server would refuse. The body is the same bytes where nothing is to change.
 * Undefined where `write-relabel-configs` drop it. Rejects with a ProfileError for what is no profile.
 */
export async function prepareProfile(
  outgoing: OutgoingProfile,
  remote: Pick<RemoteWriteConfig, 'tags' | 'writeRelabelRules'>,
  limits: PushLimits,
  nowMs: number,
): Promise<PreparedProfile | undefined> {
  const labels = finalLabels(outgoing.labels, remote);
  if (labels === undefined) return undefined;
  const series = seriesLabelsOf(labels);
  const isCompressed = isGzip(outgoing.body);
  let pprof = isCompressed ? await inflated(outgoing.body) : outgoing.body;
  const facts = inspectProfile(pprof, outgoing);
  const notes: PrepareNote[] = [];
  let { samples } = facts;

  const left = limits.maxLabelNames === 0 ? Infinity : limits.maxLabelNames - ADDED_LABELS - series.own.length;
  const plan = planSampleLabels(facts, outgoing.sampleLabels, left);
  // Without a period type, 1.x and 2.x servers stumble over samples that they have to remove.
  const dropUseless = facts.uselessSamples > 0;
  const interval = outgoing.interval ?? intervalOf(facts.timeNanos, facts.durationNanos, nowMs);
  const { timeNanos, offsetMs } = credibleTime(facts.timeNanos, interval);

  const before = pprof;
  if (facts.hasBadText) pprof = withUtf8(pprof);
  const typeNames = planSampleTypes(facts.sampleTypes, outgoing.sampleLabels);
  const typeName = (type: string) => typeNames.get(type) ?? type;
  const sampleTypes = facts.sampleTypes.map((column) => ({ ...column, type: typeName(column.type) }));
  if (typeNames.size > 0) {
    pprof = renameSampleTypes(pprof, typeNames);
    notes.push({ type: 'sample-types', renamed: typeNames });
  }
  if (plan.isNeeded || dropUseless) {
    const { renamed } = plan;
    const labelName = (name: string) => (renamed.has(name) ? renamed.get(name) : name);
    const rewritten = rewriteProfile(pprof, { labelName, dropUseless, timeNanos });
    ({ pprof, samples } = rewritten);
    if (plan.isNeeded) notes.push({ type: 'sample-labels', renamed, lostLabels: rewritten.lostLabels });
  } else if (timeNanos !== undefined) {
    pprof = withTimeNanos(pprof, timeNanos);
  }
  const body = pprof === before && isCompressed ? outgoing.body : await deflate(pprof);

  const dropsValues = outgoing.sampleLabels === 'drop' && plan.names.length === 0;
  const maxLabelValueBytes = dropsValues ? 0 : facts.maxLabelValueBytes;
  const fault = findLimitFault(
    series,
    plan.names,
    { ...facts, sampleTypes, samples, maxLabelValueBytes },
    pprof.length,
    limits,
  );
  if (!fault && limits.burstBytes > 0 && pprof.length > limits.burstBytes) {
    notes.push({ type: 'over-burst', pprofBytes: pprof.length, burstBytes: limits.burstBytes });
  }
  const meta: EntryMeta = {
    profile: outgoing.profile,
    labels,
    spyName: outgoing.spyName,
    ...interval,
    sampleTypes,
    columns: new Map(
      [...outgoing.columns]
        .filter(([type]) => facts.sampleTypes.some((column) => column.type === type))
        .map(([type, column]) => [typeName(type), column]),
    ),
    samples,
    bytes: body.length,
    pprofBytes: pprof.length,
    sampleRate: facts.sampleRate,
    queuedAtMs: nowMs,
    file: outgoing.file,
    pushId: outgoing.pushId,
    refusals: 0,
    answer: undefined,
  };
  return { meta, body, fault, clockOffsetMs: offsetMs, notes };
}

/** `tags` win, then the remote's rules; of the internal names only the application's is left. */
function finalLabels(
  labels: LabelSet,
  { tags, writeRelabelRules }: Pick<RemoteWriteConfig, 'tags' | 'writeRelabelRules'>,
): LabelSet | undefined {
  const result = relabel(new Map([...labels, ...tags]), writeRelabelRules);
  if ('droppedBy' in result) return undefined;
  return new Map([...result.labels].filter(([name]) => name === NAME_LABEL || !name.startsWith('__')));
}

function inflated(body: Uint8Array): Uint8Array | Promise<Uint8Array> {
  return body.length > SMALL_BYTES ? gunzipOffThread(body, MAX_INFLATED_BYTES) : gunzip(body, MAX_INFLATED_BYTES);
}

/** Of a profile that came without one: `time_nanos` is the start where there is a duration. */
function intervalOf(timeNanos: bigint, durationNanos: bigint, nowMs: number) {
  const fromNanos = timeNanos < FIRST_CREDIBLE_NANOS ? BigInt(nowMs) * 1_000_000n : timeNanos;
  return { fromNanos, untilNanos: fromNanos + (durationNanos > 0n ? durationNanos : 0n) };
}

/** The time to send instead of the profile's own (undefined: that one is good), and how far the target's clock is off. */
function credibleTime(
  timeNanos: bigint,
  { fromNanos, untilNanos }: { readonly fromNanos: bigint; readonly untilNanos: bigint },
): { readonly timeNanos: bigint | undefined; readonly offsetMs: number | undefined } {
  if (timeNanos < FIRST_CREDIBLE_NANOS) return { timeNanos: untilNanos, offsetMs: undefined };
  const end = timeNanos < fromNanos ? fromNanos : timeNanos > untilNanos ? untilNanos : timeNanos;
  const offsetMs = Number((timeNanos - end) / 1_000_000n);
  return { timeNanos: Math.abs(offsetMs) > MAX_OFFSET_MS ? end : undefined, offsetMs };
}
