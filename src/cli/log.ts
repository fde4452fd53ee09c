import type { ChalkInstance } from 'chalk';
import type { LogLevel } from '../config/scrape-config.ts';
import type { Problem } from '../errors.ts';
import type { Output } from './io.ts';
import { formatProblem } from './print-error.ts';

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
  const write = (level: LogLevel, message: string, fields: LogFields) => {
    if (SEVERITY[level] > SEVERITY[options.level()]) return;
    const line = formatLine(level, message, fields, options);
    aside(() => output.write(`${line}\n`));
  };
  return {
    error: (message, fields = {}) => write('error', message, fields),
    warn: (message, fields = {}) => write('warn', message, fields),
    info: (message, fields = {}) => write('info', message, fields),
    debug: (message, fields = {}) => write('debug', message, fields),
    problem(problem) {
      const { file, position, path, message, hint } = problem;
      if (options.format === 'text') write('warn', formatProblem(problem, options.paint).trimStart(), {});
      else
        write('warn', `${path === '' ? '' : `${path}: `}${message}`, {
          file,
          line: position?.line,
          column: position?.column,
          hint,
        });
    },
    aside,
  };
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
      const word = {
        error: paint.red('error: '),
        warn: paint.yellow('warning: '),
        info: '',
        debug: paint.dim('debug: '),
      };
      // A person wants sentences: of the fields only the hint is not in the message already.
      const hint = fields['hint'] === undefined ? '' : `\n  ${fields['hint']}`;
      return `${word[level]}${level === 'debug' ? paint.dim(message) : message}${hint}`;
    }
  }
}

function logfmtValue(value: string): string {
  return value === '' || /[\s"=\\\p{Cc}]/u.test(value) ? JSON.stringify(value) : value;
}
