import type { DeltaHeld } from '../../delta/delta-outcome.ts';
import type { PullEvent } from '../../pull.ts';
import type { Target } from '../../targets/target.ts';
import type { Log, LogFields } from '../log.ts';
import { count, formatElapsed } from './units.ts';

export const HELD_BECAUSE: Readonly<Record<DeltaHeld['reason'], string>> = {
  baseline: 'first snapshot, nothing to compare with yet',
  discarded: 'first response of a godeltaprof endpoint discarded: the start of its interval is unknown',
  stale: 'the instance sent the same response as before',
  'types-changed': 'other sample types than before: taken as the first snapshot',
  alternating: 'several processes answer behind this address: no delta until one of them answers steadily',
  'nothing-listed': 'none of the sample types that the config lists is in the profile',
  'reset-skipped': 'counter reset, skipped as on-counter-reset says',
};

/** One event as log lines. Failures are told at the end, each kind once; single ones only at debug level. */
export function logEvent(event: PullEvent, log: Log): void {
  switch (event.type) {
    case 'warning':
      log.warn(event.message);
      return;
    case 'discovery-failed': {
      const { error, job } = event;
      log.error(`job ${job.jobName}: discovery failed: ${error.message}`, {
        job: job.jobName,
        code: error.code,
        hint: error.hint,
      });
      return;
    }
    case 'planned':
      for (const { rejected } of event.plan.jobs) {
        for (const one of rejected)
          log.error(`job ${one.jobName}: ${one.place}: ${one.message}`, { job: one.jobName, hint: one.hint });
      }
      return;
    case 'failed':
      log.debug(`${event.target.url}: ${event.error.message}`, { ...fieldsOf(event.target), code: event.error.code });
      return;
    case 'held':
      log[event.reason === 'baseline' ? 'debug' : 'info'](
        `${event.target.url}: ${HELD_BECAUSE[event.reason]}`,
        fieldsOf(event.target),
      );
      return;
    case 'empty':
      log.debug(`${event.target.url}: nothing happened in the interval`, fieldsOf(event.target));
      return;
    case 'finished':
      log.debug(
        `${event.target.url}: ${count(event.profile.samples, 'sample')} in ${formatElapsed(event.durationMs)}`,
        fieldsOf(event.target),
      );
      return;
  }
}

function fieldsOf(target: Target): LogFields {
  return { job: target.job.jobName, profile: target.profile.name, target: target.url };
}
