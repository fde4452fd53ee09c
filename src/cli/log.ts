import type { ChalkInstance } from 'chalk';
import type { LogLevel } from '../config/scrape-config.ts';
import type { Problem } from '../errors.ts';
import { oneLine } from '../safe-text/one-line.ts';
import { hasUnseen } from '../safe-text/unseen.ts';
import type { Output } from './io.ts';
import { formatHint, formatProblem, formatStack } from './print-error.ts';
import { shownProblems } from './shown-problems.ts';

export type LogFormat = 'text' | 'logfmt' | 'json';

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Lines for people and for collectors, on standard error. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A warning about a place in a file, with the line and a caret where the format is for people. */
  problem(problem: Problem): void;
  /** Where a fault of ours happened, at debug level. */
  stack(error: unknown): void;
  /** Writes something that is no log line, such as a result, without tearing a spinner. */
  aside(write: () => void): void;
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

export interface LogOptions {
  /** Asked at each line: the config may set it after the first. */
  readonly level: () => LogLevel;
  readonly format: LogFormat;
  readonly paint: ChalkInstance;
  readonly now: () => Date;
  /** Called around each line, so that a spinner can step aside. */
  readonly around?: (write: () => void) => void;
}

/** `text` is a bare sentence; `logfmt` and `json` carry the field's usual keys: ts, level, msg. */
export function createLog(output: Output, options: LogOptions): Log {
  const aside = options.around ?? ((put: () => void) => put());
  const isShown = (level: LogLevel) => SEVERITY[level] <= SEVERITY[options.level()];
  const writeLine = (line: string) => aside(() => output.write(`${line}\n`));
  const write = (level: LogLevel, message: string, fields: LogFields) => {
    if (isShown(level)) writeLine(formatLine(level, message, fields, options));
  };
  return {
    error: (message, fields = {}) => write('error', message, fields),
    warn: (message, fields = {}) => write('warn', message, fields),
    info: (message, fields = {}) => write('info', message, fields),
    debug: (message, fields = {}) => write('debug', message, fields),
    problem(problem) {
      const { file, position, path, message, hint } = problem;
      if (options.format === 'text') {
        if (isShown('warn'))
          writeLine(`${wordOf('warn', options.paint)}${formatProblem(problem, options.paint).trimStart()}`);
      } else
        write('warn', `${path === '' ? '' : `${path}: `}${message}`, {
          file,
          line: position?.line,
          column: position?.column,
          hint,
        });
    },
    stack(error) {
      if (!(error instanceof Error) || !error.stack || !isShown('debug')) return;
      if (options.format === 'text')
        writeLine(`${wordOf('debug', options.paint)}${formatStack(error.stack, options.paint)}`);
      else write('debug', error.stack, {});
    },
    aside,
  };
}

/** Warnings of a config. All of them where programs read the log, else the first ones. */
export function logProblems(log: Log, problems: readonly Problem[], format: LogFormat): void {
  const { shown, more } = format === 'text' ? shownProblems(problems, 'warning') : { shown: problems, more: undefined };
  for (const problem of shown) log.problem(problem);
  if (more !== undefined) log.warn(more);
}

function formatLine(level: LogLevel, message: string, fields: LogFields, options: LogOptions): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  switch (options.format) {
    case 'json':
      return JSON.stringify({ ts: options.now().toISOString(), level, msg: message, ...Object.fromEntries(given) });
    case 'logfmt':
      return [['ts', options.now().toISOString()], ['level', level], ['msg', message], ...given]
        .map(([key, value]) => `${key}=${logfmtValue(String(value))}`)
        .join(' ');
    case 'text': {
      const { paint } = options;
      const shown = oneLine(message);
      // A person wants sentences: of the fields only the hint is not in the message already.
      const hint = fields['hint'] === undefined ? '' : formatHint(String(fields['hint']));
      return `${wordOf(level, paint)}${level === 'debug' ? paint.dim(shown) : shown}${hint}`;
    }
  }
}

function wordOf(level: LogLevel, paint: ChalkInstance): string {
  switch (level) {
    case 'error':
      return paint.red('error: ');
    case 'warn':
      return paint.yellow('warning: ');
    case 'info':
      return '';
    case 'debug':
      return paint.dim('debug: ');
  }
}

function logfmtValue(value: string): string {
  return value === '' || /[\s"=\\]/u.test(value) || hasUnseen(value) ? JSON.stringify(value) : value;
}
