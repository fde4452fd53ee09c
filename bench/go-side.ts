import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What the Go side says of one command. */
export interface GoAnswer {
  readonly cpuMicros: number;
  readonly wallMicros: number;
  readonly maxRssKiB?: number;
  readonly bytes?: number;
  readonly totals?: Readonly<Record<string, number>>;
  readonly error?: string;
}

/** The program in `bench/go`: Google's pprof library, and the resource usage of other commands. */
export class GoSide {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(path: string) {
    this.#process = spawn(path);
    this.#lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  /** Builds and starts it. A string says why it is not to be had; then the rows that need it are left out. */
  static start(): GoSide | string {
    const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pyro-pull');
    mkdirSync(cache, { recursive: true });
    const path = join(cache, 'bench-go');
    const build = spawnSync('go', ['build', '-o', path, '.'], {
      cwd: join(import.meta.dirname, 'go'),
      encoding: 'utf8',
    });
    if (build.error) return `no Go to be run (${build.error.message})`;
    if (build.status !== 0) return `bench/go does not build: ${build.stderr.trim()}`;
    return new GoSide(path);
  }

  async ask(...command: readonly string[]): Promise<GoAnswer> {
    this.#process.stdin.write(`${command.join(' ')}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the Go side ended');
    const answer: GoAnswer = JSON.parse(value);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  stop(): void {
    this.#process.stdin.end();
  }
}
