import { buildGo } from './go-toolchain.ts';
import { runCommand } from './run-command.ts';

let built: Promise<string> | undefined;

/** Builds BuildKit's, GitHub's and cron's own readers of their files, as one program. */
export function needLinters(): Promise<string> {
  built ??= buildGo('linters');
  return built;
}

/** What the tool behind a kind of file finds in one, a line each; empty where all is well. */
export async function lint(kind: 'dockerfile' | 'workflow' | 'crontab', file: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand([await needLinters(), kind, file]);
  if (code !== 0 && code !== 1) throw new Error(`linters ${kind} ended with ${code}: ${stderr}`);
  return stdout;
}
