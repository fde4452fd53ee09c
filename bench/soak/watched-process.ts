import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readdirSync, readFileSync, type WriteStream, writeFileSync } from 'node:fs';

/** Debian's package libfaketime. */
const LIBRARIES = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/faketime/libfaketimeMT.so.1'];

export interface Measured {
  /** Since the process began. */
  readonly ageMs: number;
  readonly rssMb: number;
  readonly openFiles: number;
  readonly cpuSeconds: number;
}

/** pyro-pull as a user runs it, with a wall clock that can be set while it runs. Ends only when it is told to. */
export class WatchedProcess {
  readonly #command: readonly string[];
  readonly #clockFile: string;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #startedAt = 0;
  #exit: Promise<unknown> = Promise.resolve();
  /** Ends that nobody asked for. */
  readonly crashes: string[] = [];
  canJump = LIBRARIES.some((library) => existsSync(library));

  constructor(command: readonly string[], options: { readonly clockFile: string; readonly logFile: string }) {
    this.#command = command;
    this.#clockFile = options.clockFile;
    this.#log = createWriteStream(options.logFile, { flags: 'a' });
    this.setClock(0);
  }

  start(): void {
    const library = LIBRARIES.find((path) => existsSync(path));
    const [file = '', ...args] = this.#command;
    const child = spawn(file, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        ...(library === undefined
          ? {}
          : {
              LD_PRELOAD: library,
              FAKETIME_TIMESTAMP_FILE: this.#clockFile,
              FAKETIME_CACHE_DURATION: '1',
              FAKETIME_DONT_FAKE_MONOTONIC: '1',
              NO_FAKE_STAT: '1',
            }),
      },
    });
    child.stderr?.pipe(this.#log, { end: false });
    this.#child = child;
    this.#startedAt = performance.now();
    this.#exit = once(child, 'exit');
    child.once('exit', (code, signal) => {
      if (this.#child === child) this.crashes.push(`ended with ${code ?? signal}`);
    });
    process.once('exit', () => child.kill('SIGKILL'));
  }

  /** Seconds to add to the wall clock that the process sees; it does so within a second. */
  setClock(offsetSeconds: number): void {
    writeFileSync(this.#clockFile, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}\n`);
  }

  hangUp(): void {
    this.#child?.kill('SIGHUP');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Gives the exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill(signal);
    await this.#exit;
    return child?.exitCode ?? null;
  }

  /** Undefined while it does not run. */
  measure(): Measured | undefined {
    const pid = this.#child?.pid;
    if (pid === undefined) return undefined;
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return {
        ageMs: performance.now() - this.#startedAt,
        rssMb: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN) / 1024,
        openFiles: readdirSync(`/proc/${pid}/fd`).length,
        cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
      };
    } catch {
      return undefined;
    }
  }
}
