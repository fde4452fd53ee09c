import { isAbsolute, join } from 'node:path';
import type { RelabelRule, WrittenRelabelRule } from '../../labels/relabel.ts';
import type { Reporter } from '../findings.ts';
import type { WrittenRule } from './relabel.ts';

/** A file that the config names: to be looked for, but it may appear later. */
export interface FileReference {
  readonly path: string;
  readonly holds: 'certificate' | 'anything';
  readonly report: Reporter;
}

/** What the parts of a config need to become what the program reads. */
export interface NormalizeContext {
  /** Relative file names count from here: the directory of the config file. */
  readonly dir: string;
  /** Filled while normalizing. */
  readonly references: FileReference[];
  readonly compileRules: (written: readonly (WrittenRule | undefined)[], report: Reporter) => readonly RelabelRule[];
  /** Rules that are no user's. */
  readonly compileOwnRules: (rules: readonly WrittenRelabelRule[]) => readonly RelabelRule[];
}

export function resolvePath(written: string, { dir }: NormalizeContext): string {
  return written === '' || isAbsolute(written) ? written : join(dir, written);
}

export function referTo(
  written: string,
  report: Reporter,
  context: NormalizeContext,
  holds: FileReference['holds'] = 'anything',
): string {
  const path = resolvePath(written, context);
  context.references.push({ path, holds, report });
  return path;
}
