import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshDirectory } from './places.ts';

/** A long-running program under test, with everything that it printed in one file. */
export interface Program {
  readonly name: string;
  readonly pid: number;
  /** What it has printed so far, both streams. */
  output(): string;
  hasExited(): boolean;
  /** SIGTERM to its process group, SIGKILL after five seconds; resolves when it is gone. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

// Programs must not outlive the suite, however that ends.
process.on('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts a program in a process group of its own. */
export function startProgram(name: string, command: readonly string[], options: ProgramOptions = {}): Program {
  const [file = '', ...args] = command;
  const logFile = join(freshDirectory(name), 'output.log');
  const log = openSync(logFile, 'w');
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.add(child);
  let spawnError = '';
  const exited = new Promise<void>((resolve) => {
    const gone = (): void => {
      running.delete(child);
      resolve();
    };
    child.once('exit', gone);
    child.once('error', (error) => {
      spawnError = error.message;
      gone();
    });
  });

  return {
    name,
    pid: child.pid ?? 0,
    output: () => spawnError + readFileSync(logFile, 'utf8'),
    hasExited: () => !running.has(child),
    stop: async () => {
      if (!running.has(child)) return;
      signalGroup(child, 'SIGTERM');
      const kill = setTimeout(() => signalGroup(child, 'SIGKILL'), 5_000);
      await exited;
      clearTimeout(kill);
    },
  };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // gone already
  }
}

/** Polls until `look` gives something. Fails when the program ends before that, or when the time is over. */
export async function untilReady<T>(
  program: Program,
  look: () => Promise<T | undefined> | T | undefined,
  withinMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (program.hasExited() || Date.now() > deadline) {
      const what = program.hasExited() ? 'ended' : `was not ready after ${withinMs / 1000} s`;
      await program.stop();
      throw new Error(`${program.name} ${what}:\n${program.output().slice(-2_000)}`);
    }
    await sleep(20);
  }
}

/** Polls until the URL answers 200. */
export async function untilAnswers(program: Program, url: string, headers: Record<string, string> = {}): Promise<void> {
  await untilReady(program, async () => {
    try {
      const response = await fetch(url, { headers });
      await response.arrayBuffer();
      return response.ok ? true : undefined;
    } catch {
      return undefined;
    }
  });
}
