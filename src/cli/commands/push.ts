import { accessSync, constants, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../../config/scrape-config.ts';
import { UsageError } from '../../errors.ts';
import { INDEX_FILE } from '../../sinks/file/index-entry.ts';
import { type LeftOut, type PushSummary, pushPaths } from '../../sinks/pyroscope/push-paths.ts';
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
    const told = new Set<string>();
    const onLeftOut = ({ name, why }: LeftOut) => {
      if (told.has(name)) return;
      told.add(name);
      log.info(`${name}: not sent: ${REASONS[why]}`);
    };
    const pushed = pushPaths(
      paths,
      sinks,
      { labels, retryRejected: flags.retry, deadlineMs: flags.pushDeadline, onLeftOut },
      ({ remote, name, error }) =>
        log.error(`remote ${remote}: ${name}: ${error.message}`, { remote, code: error.code, hint: error.hint }),
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

const REASONS: Readonly<Record<LeftOut['why'], string>> = {
  text: 'a text dump, which no server takes',
  name: 'not named like a profile (.pb.gz, .pb, .pprof, .prof, .pgo); name the file itself to send it',
  empty: 'it has no samples',
  filtered: 'dropped by write-relabel-configs',
};

function lineOf(summary: PushSummary): string {
  const { remote, accepted, skipped, textDumps, empty, filtered, ignored, rejected, failed, left } = summary;
  const parts = [`${count(accepted, 'profile')} sent`];
  if (skipped > 0) parts.push(`${skipped} sent before`);
  if (textDumps > 0) parts.push(`${count(textDumps, 'text dump')} not sent`);
  if (empty > 0) parts.push(`${empty} empty`);
  if (filtered > 0) parts.push(`${filtered} dropped by write-relabel-configs`);
  if (ignored > 0) parts.push(`${ignored} not named like a profile`);
  if (rejected > 0) parts.push(`${rejected} refused (kept in rejected/; pyro-pull push --retry sends them again)`);
  if (failed > 0) parts.push(`${failed} unreadable`);
  if (left > 0) parts.push(`${left} left for the next run`);
  return `remote ${remote}: ${parts.join(', ')}`;
}

function isClean({ rejected, failed, left }: PushSummary): boolean {
  return rejected === 0 && failed === 0 && left === 0;
}
