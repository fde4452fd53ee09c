import { readFile } from 'node:fs/promises';
import type { Secret } from '../config/http-client-config.ts';
import { HttpError } from '../errors.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';

/** A file's content is used for at most this long, so a rotated secret is in use a second after it was written. */
const FRESH_MS = 1000;

interface Reading {
  readonly content: Promise<string>;
  readonly startedAtMs: number;
}

/**
 * Secrets of a config. Files are read again for every request, except that requests within one second share a reading:
 * a thousand targets scraped at once read a token once.
 */
export class SecretFiles {
  readonly #clock: Clock;
  readonly #readings = new Map<string, Reading>();

  constructor(clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock;
  }

  /**
   * The secret: a value given in place as it stands, a file's content without white space around it. `key` is the config
   * key that names the file, for the error. Rejects with HttpError `SECRET_FILE`.
   */
  async reveal(secret: Secret, key: string): Promise<string> {
    if ('value' in secret) return secret.value;
    try {
      return await this.#read(secret.file);
    } catch (error) {
      throw new HttpError('SECRET_FILE', `can't read ${key} ${secret.file}: ${reasonOf(error)}`, { cause: error });
    }
  }

  #read(file: string): Promise<string> {
    const last = this.#readings.get(file);
    const nowMs = this.#clock.monotonic();
    if (last && nowMs - last.startedAtMs < FRESH_MS) return last.content;
    const content = readFile(file, 'utf8').then((text) => text.trim());
    this.#readings.set(file, { content, startedAtMs: nowMs });
    return content;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
};

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return REASONS[code] ?? error.message;
}
