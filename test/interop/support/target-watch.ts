import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { INTEROP } from './places.ts';

const update = z.object({
  job: z.string(),
  targets: z.array(z.object({ url: z.string(), labels: z.record(z.string(), z.string()) })),
  failures: z.array(z.object({ message: z.string(), hint: z.string().optional() })),
  warnings: z.array(z.string()),
});

/** What a job's discovery knows at one moment. */
export type Update = z.infer<typeof update>;

/** A process that follows the discovery of a config. */
export interface TargetWatch {
  readonly pid: number;
  /** All states so far, oldest first. */
  readonly updates: readonly Update[];
  /** Waits for a state, and fails with the last one when it does not come in time. */
  until(isThere: (latest: Update) => boolean, withinMs: number): Promise<Update>;
}

export interface TargetWatchOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Makes another command of a command, such as one in a mount namespace of its own. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

/** Follows the discovery of the one job of a config, in a process of its own, until the test ends. */
export function watchTargets(t: TestContext, config: string, options: TargetWatchOptions = {}): TargetWatch {
  const script = join(INTEROP, 'support/watch-targets.ts');
  const plain = [process.execPath, '--import', import.meta.resolve('tsx'), script, config];
  const [file = '', ...args] = options.wrap?.(plain) ?? plain;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const updates: Update[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => updates.push(update.parse(JSON.parse(line))));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  t.after(() => {
    process.off('exit', kill);
    kill();
  });
  return {
    pid: child.pid ?? 0,
    updates,
    until: async (isThere, withinMs) => {
      const deadline = performance.now() + withinMs;
      for (;;) {
        const latest = updates.at(-1);
        if (latest !== undefined && isThere(latest)) return latest;
        if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}: ${stderr}`);
        if (performance.now() > deadline) {
          throw new Error(
            `not there after ${withinMs} ms; last state of ${updates.length}:\n${show(latest)}\n${stderr}`,
          );
        }
        await sleep(10);
      }
    },
  };
}

function show(latest: Update | undefined): string {
  const text = JSON.stringify(latest, null, 1) ?? 'none';
  return text.length > 4_000 ? `${text.slice(0, 4_000)}…` : text;
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
