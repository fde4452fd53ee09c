import { UsageError } from '../errors.ts';
import type { ScrapeFlags } from './program.ts';

/** Flags of `scrape` that can't be meant together, or as they are. Throws a UsageError. */
export function checkFlags(flags: ScrapeFlags): void {
  const texts = { '--config': flags.config, '--out': flags.out, '--state-dir': flags.stateDir };
  for (const [name, text] of Object.entries(texts)) {
    if (text === '') throw new UsageError(`${name} is empty`, { hint: 'is the variable set that it is made from?' });
  }
  if (flags.once && flags.loop) throw new UsageError('--once and --loop do not go together');
  if (flags.loop && flags.window !== undefined) {
    throw new UsageError('--window and --loop do not go together', {
      hint: "in a loop each snapshot is compared with the one before it: set the job's scrape-interval",
    });
  }
  for (const [name, isGiven] of [
    ['--watch-config', flags.watchConfig],
    ['--listen', flags.listen !== undefined],
  ] as const) {
    if (isGiven && !flags.loop) throw new UsageError(`${name} goes with --loop only`);
  }
}
