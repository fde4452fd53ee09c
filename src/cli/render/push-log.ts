import { describePushEvent, type PushEvent } from '../../sinks/pyroscope/push-event.ts';
import type { Log } from '../log.ts';
import { Collapse } from './collapse.ts';
import { count } from './units.ts';

/** Of a crowd of profiles that meet with the same, the first are told one by one. */
const LINES = 5;
const WINDOW_MS = 60_000;

/** What a remote has to tell, as log lines that name it; crowds of equal ones as one. */
export class PushLog {
  readonly #log: Log;
  readonly #remote: string;
  readonly #collapse = new Collapse(scheduleQuietly);

  constructor(log: Log, remote: string) {
    this.#log = log;
    this.#remote = remote;
  }

  readonly add = (event: PushEvent): void => {
    const { level, message, hint } = describePushEvent(event);
    const say = (text: string) => this.#log[level](`remote ${this.#remote}: ${text}`, { remote: this.#remote, hint });
    const crowd = crowdOf(event);
    if (crowd === undefined) {
      say(message);
      return;
    }
    const [noun, plural, fate] = crowd;
    const summary = (others: number) => say(`${count(others, noun, plural)} ${fate}`);
    if (this.#collapse.admits(fate, { limit: LINES, windowMs: WINDOW_MS, summary })) say(message);
  };

  /** Tells what is held back. */
  readonly close = (): void => this.#collapse.close();
}

/** One of the others that would be told like this, several of them, and what became of them. */
function crowdOf(event: PushEvent): readonly [noun: string, plural: string, fate: string] | undefined {
  const profiles = ['more profile', 'more profiles'] as const;
  switch (event.type) {
    case 'rejected':
      return [...profiles, `refused for good: ${/^HTTP \d+/.exec(event.answer)?.[0] ?? event.answer}`];
    case 'dropped':
      return [...profiles, `fell out of the queue (${event.bound})`];
    case 'corrupt':
      return ['more entry', 'more entries', 'set aside in corrupt/'];
    default:
      return undefined;
  }
}

/** Must not keep a command from ending. */
function scheduleQuietly(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
