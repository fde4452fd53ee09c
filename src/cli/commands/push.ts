import { accessSync, constants, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../../config/scrape-config.ts';
import { UsageError } from '../../errors.ts';
import { INDEX_FILE } from '../../sinks/file/index-entry.ts';
import { type PushSummary, pushPaths } from '../../sinks/pyroscope/push-paths.ts';
import { hasDefaultConfig, loadConfigFor } from '../config-source.ts';
import { EXIT_FAILED, EXIT_OK, exitCodeOfSignal } from '../exit-code.ts';
import { type Io, paintFor, writeLines } from '../io.ts';
import { labelsOfFlags } from '../label-flags.ts';
import { createLog, type Log } from '../log.ts';
import type { PushFlags } from '../program.ts';
import { openRemotes, remotesOf } from '../remotes.ts';
import { count } from '../render/units.ts';
import { aborted, listenForSignals } from '../signals.ts';

/** Sends profile files to every remote. Exit code 1 where something is refused, unreadable or left over. */
export async function push(paths: readonly string[], flags: PushFlags, io: Io): Promise<number> {
  if (paths.length === 0 && !flags.retry) {
    throw new UsageError('nothing to push', {
      hint: 'name profile files, or a directory that scrape wrote; --retry alone sends what was refused before',
    });
  }
  const labels = labelsOfFlags(flags.label);
  const log = createLog(io.stderr, {
    level: () => 'info',
    format: 'text',
    paint: paintFor(io.stderr, io.env, flags.json),
    now: () => new Date(),
  });
  const config = await configFor(flags, io, log);
  const remotes = remotesOf(config, flags.push, io);
  if (remotes.length === 0) {
    throw new UsageError('no remote to push to', {
      hint: 'name one with --push http://localhost:4040, in remote-write of a config, or in PYROSCOPE_SERVER_ADDRESS',
    });
  }
  const signals = listenForSignals(io, log);
  const outDir = config.output.dir ?? paths.find((path) => isOutDirectory(resolve(io.cwd, path)));
  const sinks = await openRemotes(remotes, { outDir, io, log });
  try {
    const textDumps = new Set<string>();
    const onTextDump = (path: string) => {
      if (textDumps.has(path)) return;
      textDumps.add(path);
      log.info(`${path}: a text dump, which no server takes: not sent`);
    };
    const pushed = pushPaths(
      paths,
      sinks,
      { labels, retryRejected: flags.retry, deadlineMs: flags.pushDeadline, onTextDump },
      ({ remote, path, error }) => {
        const said = error.message.startsWith(path) ? error.message : `${path}: ${error.message}`;
        log.error(`remote ${remote}: ${said}`, { remote, code: error.code, hint: error.hint });
      },
    );
    const summaries = await Promise.race([pushed, aborted(signals.signal)]);
    const received = signals.received();
    if (summaries === undefined) {
      pushed.catch(() => {}); // cut off on purpose; what was not sent is in the queue or still in its file
      return received ? exitCodeOfSignal(received) : EXIT_FAILED;
    }
    if (flags.json) io.stdout.write(`${JSON.stringify({ remotes: summaries }, null, 2)}\n`);
    else writeLines(io.stdout, summaries.map(lineOf));
    return summaries.every(isClean) ? EXIT_OK : EXIT_FAILED;
  } finally {
    await Promise.all(sinks.map((sink) => sink.close()));
    signals.stopListening();
  }
}

/** Whether scrape wrote this directory and its queue may lie there: what scrape could not send goes along then. */
function isOutDirectory(path: string): boolean {
  if (!existsSync(join(path, INDEX_FILE))) return false;
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A config is read where one is named, or lies here and no flag says where to push. */
async function configFor(flags: PushFlags, io: Io, log: Log): Promise<Pick<Config, 'remoteWrite' | 'output'>> {
  const isNeeded = flags.config !== undefined || (flags.push.length === 0 && (await hasDefaultConfig(io)));
  if (!isNeeded) {
    return { remoteWrite: [], output: { dir: undefined, stateDir: undefined, maxAgeMs: 0, maxBytes: 0 } };
  }
  const { config, warnings } = await loadConfigFor(io, { file: flags.config, expandEnv: flags.expandEnv });
  for (const warning of warnings) log.problem(warning);
  return config;
}

function lineOf({ remote, accepted, skipped, textDumps, rejected, failed, left }: PushSummary): string {
  const parts = [`${count(accepted, 'profile')} sent`];
  if (skipped > 0) parts.push(`${skipped} sent before`);
  if (textDumps > 0) parts.push(`${count(textDumps, 'text dump')} not sent`);
  if (rejected > 0) parts.push(`${rejected} refused (kept in rejected/; pyro-pull push --retry sends them again)`);
  if (failed > 0) parts.push(`${failed} unreadable`);
  if (left > 0) parts.push(`${left} left for the next run`);
  return `remote ${remote}: ${parts.join(', ')}`;
}

function isClean({ rejected, failed, left }: PushSummary): boolean {
  return rejected === 0 && failed === 0 && left === 0;
}
