import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly wallMs: number;
  /** Largest resident set that was seen, in bytes; 0 where the system does not tell. */
  readonly peakRssBytes: number;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
}

/** Runs a command to its end and gives whatever came of it. */
export function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file = '', ...args] = command;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: options.cwd, env: { ...process.env, ...options.env } });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(options.input ?? '');
    let peakRssBytes = 0;
    const watch = setInterval(() => {
      peakRssBytes = Math.max(peakRssBytes, highWaterMark(child.pid));
    }, 20);
    const stop = (): void => void child.kill('SIGKILL');
    process.once('exit', stop);
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(watch);
      process.off('exit', stop);
      const wallMs = performance.now() - started;
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8');
      resolve({ code, stdout: text(stdout), stderr: text(stderr), wallMs, peakRssBytes });
    });
  });
}

/** Like `runCommand`, for a command that is only a means: its standard output, or an error that shows what it said. */
export async function mustRun(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(command, options);
  if (result.code !== 0) {
    const said = `${result.stdout}${result.stderr}`.slice(-4_000);
    throw new Error(`${command.join(' ')} ended with ${result.code}:\n${said}`);
  }
  return result.stdout;
}

function highWaterMark(pid: number | undefined): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
