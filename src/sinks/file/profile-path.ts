import { INSTANCE_LABEL, JOB_LABEL, NAME_LABEL, SERVICE_NAME_LABEL } from '../../labels/label-set.ts';
import type { FinishedProfile } from '../sink.ts';
import { safeInstanceName, safeName } from './safe-name.ts';
import { fileTimestamp } from './timestamp.ts';

/** What a Pyroscope server calls a profile without a name. */
const UNKNOWN_SERVICE = 'unknown_service';

/** `<job>/<service>/<instance>/<profile>` from the profile's labels, relative to the output directory. */
export function profileDirectory({ labels, target }: FinishedProfile): string {
  const { hostname, port } = target.origin;
  return [
    safeName(labels.get(JOB_LABEL) ?? target.job.jobName),
    safeName(labels.get(SERVICE_NAME_LABEL) ?? labels.get(NAME_LABEL) ?? UNKNOWN_SERVICE),
    safeInstanceName(labels.get(INSTANCE_LABEL) ?? `${hostname}:${port}`),
    safeName(target.profile.name),
  ].join('/');
}

/**
 * Name of the file when the first `taken` choices are taken: the end of the interval; with 8 digits of the target's key,
 * for two targets with the same labels; with a number too, for profiles of one target that end in the same millisecond.
 */
export function fileName({ untilNanos, target }: FinishedProfile, taken: number): string {
  const identity = taken === 0 ? '' : `-${target.key.slice(0, 8)}`;
  const number = taken < 2 ? '' : `-${taken}`;
  const ending = target.format === 'text' ? 'txt.gz' : 'pb.gz';
  return `${fileTimestamp(untilNanos)}${identity}${number}.${ending}`;
}
