import { ConfigError, type PyroPullError } from '../../errors.ts';
import type { LoopEvent } from '../../loop/loop-event.ts';
import type { Target } from '../../targets/target.ts';
import type { Log, LogFields } from '../log.ts';
import { Collapse } from './collapse.ts';
import { HELD_BECAUSE, logEvent } from './event-log.ts';
import { count, formatElapsed } from './units.ts';

/** A crowd of targets that change their state together is told by its first ones. */
const LINES = 5;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * What a loop that runs for weeks says: changes of state rather than every failure, and crowds of equal lines as one.
 */
export class LoopLog {
  readonly #log: Log;
  readonly #collapse: Collapse;

  constructor(log: Log, schedule: (ms: number, run: () => void) => () => void) {
    this.#log = log;
    this.#collapse = new Collapse(schedule);
  }

  /** Tells what is held back. */
  close(): void {
    this.#collapse.close();
  }

  readonly add = (event: LoopEvent): void => {
    const log = this.#log;
    switch (event.type) {
      case 'round':
        return;
      case 'finished':
      case 'empty':
        logEvent(event, log);
        return;
      case 'failed':
        if (event.stage === 'write') this.#unwritten(event.target, event.error);
        else logEvent(event, log);
        return;
      case 'held':
        if (event.reason === 'baseline') logEvent(event, log);
        else this.#held(event.target, event.reason);
        return;
      case 'down':
        this.#down(event.target, event.error);
        return;
      case 'up': {
        const { target, failures, downMs } = event;
        const say = (others: number) => log.info(`job ${jobOf(target)}: ${count(others, 'more target')} came back`);
        if (!this.#collapse.admits(`up ${jobOf(target)}`, crowd(say))) return;
        const after = `came back after ${count(failures, 'failure')} in ${formatElapsed(downMs)}`;
        log.info(`${target.url}: ${after}`, { ...fieldsOf(target), failures });
        return;
      }
      case 'absent':
        this.#absent(event.target, event.error);
        return;
      case 'missed': {
        const job = jobOf(event.target);
        const say = (slots: number) =>
          log.warn(`job ${job}: ${count(slots, 'slot')} missed in a minute: scrapes take longer than their interval`, {
            job,
            slots,
          });
        this.#collapse.admits(`missed ${job}`, { limit: 0, windowMs: MINUTE_MS, summary: say }, event.slots);
        return;
      }
      case 'state-ignored': {
        const why = event.why === 'torn' ? 'is torn' : 'is of another version';
        const say = (others: number) => log.warn(`${count(others, 'more saved snapshot')} ${why}: starting afresh`);
        if (this.#collapse.admits(`state ${event.why}`, crowd(say, 1)))
          log.warn(`${event.target.url}: its saved snapshot ${why}: starting afresh`, fieldsOf(event.target));
        return;
      }
      case 'warning': {
        const say = (times: number) => log.warn(`${event.message} (${count(times, 'more time')})`);
        if (this.#collapse.admits(`warning ${event.message}`, { limit: 1, windowMs: HOUR_MS, summary: say }))
          log.warn(event.message);
        return;
      }
      case 'discovery-failed': {
        const { jobName: job, error } = event;
        log.error(`job ${job}: discovery failed: ${error.message}`, { job, code: error.code, hint: error.hint });
        return;
      }
      case 'discovery-recovered':
        log.info(`job ${event.jobName}: discovery works again`, { job: event.jobName });
        return;
      case 'rejected': {
        const { jobName: job, place, message, hint } = event.rejected;
        log.error(`job ${job}: ${place}: ${message}`, { job, hint });
        return;
      }
      case 'targets-changed': {
        const { jobName: job, added, removed, total } = event;
        log.info(`job ${job}: ${count(total, 'target')} to scrape (${added} new, ${removed} gone)`, {
          job,
          added,
          removed,
          total,
        });
        return;
      }
      case 'reloaded':
        log.info(`config read again: ${count(event.jobs, 'job')}`);
        return;
      case 'reload-failed':
        this.#reloadFailed(event.error);
        return;
      case 'clock-jumped':
        log.warn('the wall clock was set: all slots are computed anew');
        return;
      case 'fault':
        log.error(`internal error: ${textOf(event.error)}`, { hint: 'this is a fault of pyro-pull, please report it' });
        log.stack(event.error);
        return;
    }
  };

  #down(target: Target, { code, message, hint }: PyroPullError): void {
    const job = jobOf(target);
    const say = (others: number) =>
      this.#log.warn(`job ${job}: ${count(others, 'more target')} went down: ${message}`, { job, code });
    if (!this.#collapse.admits(`down ${job} ${code}`, crowd(say))) return;
    this.#log.warn(`${target.url}: down: ${message}`, { ...fieldsOf(target), code, hint });
  }

  #absent(target: Target, { code, message, hint }: PyroPullError): void {
    const { name } = target.profile;
    const say = (others: number) =>
      this.#log.warn(`job ${jobOf(target)}: ${count(others, 'more target')} without ${name}`, fieldsOf(target));
    if (!this.#collapse.admits(`absent ${jobOf(target)} ${name}`, crowd(say))) return;
    const text = `${target.url}: no ${name}: ${message}; asked for ever more rarely, up to every 10 minutes`;
    this.#log.warn(text, { ...fieldsOf(target), code, hint });
  }

  #unwritten(target: Target, { code, message, hint }: PyroPullError): void {
    const say = (others: number) =>
      this.#log.error(`${count(others, 'more profile')} not written: ${message}`, { code });
    if (!this.#collapse.admits(`write ${code}`, { ...crowd(say, 1), windowMs: 10 * MINUTE_MS })) return;
    this.#log.error(`${target.url}: not written: ${message}`, { ...fieldsOf(target), code, hint });
  }

  #held(target: Target, reason: keyof typeof HELD_BECAUSE): void {
    const job = jobOf(target);
    const say = (others: number) =>
      this.#log.info(`job ${job}: ${HELD_BECAUSE[reason]} (${count(others, 'more time')})`, { job });
    if (this.#collapse.admits(`held ${job} ${reason}`, { ...crowd(say), windowMs: HOUR_MS }))
      logEvent({ type: 'held', target, reason }, this.#log);
  }

  #reloadFailed(error: PyroPullError): void {
    this.#log.error(`the config was not taken over, the old one stays: ${error.message}`, {
      code: error.code,
      hint: error.hint,
    });
    if (error instanceof ConfigError) for (const problem of error.problems) this.#log.problem(problem);
  }
}

function crowd(summary: (others: number) => void, limit = LINES) {
  return { limit, windowMs: MINUTE_MS, summary };
}

function jobOf(target: Target): string {
  return target.job.jobName;
}

function fieldsOf(target: Target): LogFields {
  return { job: target.job.jobName, profile: target.profile.name, target: target.url };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
