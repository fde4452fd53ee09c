import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { EXECUTABLE } from './pyro-pull.ts';

const labels = z.record(z.string(), z.string());
const target = { url: z.string(), labels, discoveredLabels: labels };
const watchEvent = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('added'), ...target }),
  z.looseObject({ type: z.literal('removed'), ...target }),
  z.looseObject({ type: z.literal('changed'), ...target, labelsBefore: labels }),
  z.looseObject({ type: z.literal('state') }),
  z.looseObject({ type: z.literal('discovery-failed'), error: z.string(), hint: z.string().optional() }),
  z.looseObject({ type: z.literal('discovery-recovered') }),
]);

export type WatchEvent = z.infer<typeof watchEvent>;
export type WatchedTarget = Pick<Extract<WatchEvent, { type: 'added' }>, 'url' | 'labels' | 'discoveredLabels'>;

/** `pyro-pull targets --watch --json` over a config with one job. */
export interface TargetWatch {
  readonly pid: number;
  /** All that it has printed, oldest first. */
  readonly events: readonly WatchEvent[];
  /** What is there now, by the changes that were printed. */
  targets(): readonly WatchedTarget[];
  /** The failures that were told since discovery was last well. */
  failures(): readonly string[];
  /** Waits until something holds, but not before the first full answer of discovery. Fails with all that is known when it does not in time. */
  until(holds: () => boolean, withinMs: number): Promise<void>;
}

export interface TargetWatchOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Makes another command of a command, such as one in a mount namespace of its own. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

/** Follows the targets of a config until the test ends. */
export function watchTargets(t: TestContext, config: string, options: TargetWatchOptions = {}): TargetWatch {
  const plain = [process.execPath, EXECUTABLE, 'targets', '--watch', '--json', '--config', config];
  const [file = '', ...args] = options.wrap?.(plain) ?? plain;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const events: WatchEvent[] = [];
  const targets = new Map<string, WatchedTarget>();
  let failures: string[] = [];
  const take = (event: WatchEvent): void => {
    events.push(event);
    if (event.type === 'discovery-failed') failures.push(event.error);
    else if (event.type === 'discovery-recovered') failures = [];
    else if (event.type === 'removed') targets.delete(keyOf(event.url, event.labels));
    else if (event.type === 'added') targets.set(keyOf(event.url, event.labels), event);
    else if (event.type === 'changed') {
      targets.delete(keyOf(event.url, event.labelsBefore));
      targets.set(keyOf(event.url, event.labels), event);
    }
  };
  createInterface({ input: child.stdout }).on('line', (line) => take(watchEvent.parse(JSON.parse(line))));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  t.after(() => {
    process.off('exit', kill);
    kill();
  });
  return {
    pid: child.pid ?? 0,
    events,
    targets: () => [...targets.values()],
    failures: () => failures,
    until: async (holds, withinMs) => {
      const deadline = performance.now() + withinMs;
      while (!(events.length > 0 && holds())) {
        if (child.exitCode !== null) throw new Error(`the command ended with ${child.exitCode}: ${stderr}`);
        if (performance.now() > deadline) {
          const seen = [...targets.values()].map(({ url, labels }) => `${url} ${JSON.stringify(labels)}`).join('\n');
          throw new Error(
            `not there after ${withinMs} ms; ${targets.size} targets:\n${seen.slice(0, 4_000)}\n${stderr}`,
          );
        }
        await sleep(10);
      }
    },
  };
}

function keyOf(url: string, labels: Readonly<Record<string, string>>): string {
  return `${url} ${JSON.stringify(labels)}`;
}

/** What a process takes: resident memory now and at most, and CPU time since it started. */
export function usageOf(pid: number): { rssBytes: number; peakRssBytes: number; cpuMs: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  // In ticks, of which Linux shows user space a hundred a second.
  const ticks = Number(stat[11]) + Number(stat[12]);
  return { rssBytes: kilobytes('VmRSS') * 1024, peakRssBytes: kilobytes('VmHWM') * 1024, cpuMs: ticks * 10 };
}
