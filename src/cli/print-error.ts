import type { ChalkInstance } from 'chalk';
import { ConfigError, type Problem, PyroPullError } from '../errors.ts';
import { displayWidth } from '../safe-text/display-width.ts';
import { plainText } from '../safe-text/laid-out.ts';
import { oneLine } from '../safe-text/one-line.ts';
import { shownProblems } from './shown-problems.ts';

/** What a user sees of an error: sentences for those meant to be read, the stack for faults of ours. */
export function formatError(
  error: unknown,
  paint: ChalkInstance,
  options: { debug: boolean; version: string },
): string {
  const name = paint.red('pyro-pull:');
  if (error instanceof ConfigError) {
    return `${name} ${oneLine(error.message)}\n${formatProblems(error.problems, 'problem', paint)}`;
  }
  if (error instanceof PyroPullError) {
    const hint = error.hint ? formatHint(error.hint) : '';
    const stack = options.debug && error.stack ? `\n${formatStack(error.stack, paint)}` : '';
    return `${name} ${oneLine(error.message)}${hint}${stack}\n`;
  }
  const said = oneLine(error instanceof Error ? error.message : String(error));
  const stack = options.debug && error instanceof Error && error.stack ? `\n${formatStack(error.stack, paint)}` : '';
  return (
    `${name} internal error: ${said}${stack}\n` +
    `  this is a fault of pyro-pull ${options.version} (node ${process.versions.node}, ${process.platform}); ` +
    `${options.debug ? 'please report it with the lines above' : 'run again with NODE_DEBUG=pyro-pull in the environment for the stack, and report it'}\n`
  );
}

/** What to do, below a message. A hint of several lines is to be pasted: its line breaks stay. */
export function formatHint(hint: string): string {
  return hint
    .split('\n')
    .map((line) => `\n  ${oneLine(line)}`)
    .join('');
}

export function formatStack(stack: string, paint: ChalkInstance): string {
  return paint.dim(stack.split('\n').map(oneLine).join('\n'));
}

/** One below the other, each with a line break. Of many the first ones, and how many there are more. */
export function formatProblems(
  problems: readonly Problem[],
  noun: 'problem' | 'warning',
  paint: ChalkInstance,
): string {
  const { shown, more } = shownProblems(problems, noun);
  const lines = shown.map((problem) => formatProblem(problem, paint));
  if (more !== undefined) lines.push(`  ${more}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** `file:line:column: path: message (hint)`, then the line with a caret under the fault. */
export function formatProblem(problem: Problem, paint: ChalkInstance): string {
  const { position, excerpt } = problem;
  const place = oneLine(position ? `${problem.file}:${position.line}:${position.column}` : problem.file);
  const path = problem.path === '' ? '' : `${problem.path}: `;
  const hint = problem.hint ? ` (${problem.hint.split('\n').map(oneLine).join('\n      ')})` : '';
  let text = `  ${paint.bold(place)}: ${oneLine(`${path}${problem.message}`)}${hint}`;
  if (excerpt) {
    const { line, offset } = shownPart(excerpt.text, excerpt.column - 1);
    const before = plainText(line.slice(0, offset));
    const marked = plainText(line.slice(offset, offset + excerpt.length));
    const after = plainText(line.slice(offset + excerpt.length));
    // Tabs keep their width in the line of the caret.
    const indent = before
      .split('\t')
      .map((part) => ' '.repeat(displayWidth(part)))
      .join('\t');
    text += `\n      ${before}${marked}${after}\n      ${indent}${paint.red('^'.repeat(Math.max(1, displayWidth(marked))))}`;
  }
  return text;
}

/** A long line is shown around the fault. */
function shownPart(text: string, offset: number): { line: string; offset: number } {
  const most = 110;
  if (text.length <= most) return { line: text, offset };
  const start = Math.max(0, Math.min(offset - 40, text.length - most));
  return {
    line: `${start > 0 ? '…' : ''}${text.slice(start, start + most)}`,
    offset: offset - start + (start > 0 ? 1 : 0),
  };
}
