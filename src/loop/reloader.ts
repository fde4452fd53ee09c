import { PyroPullError } from '../errors.ts';
import type { LoopEvent } from './loop-event.ts';
import type { ConfigView, ReloadResult } from './loop-view.ts';
import type { LoopSettings } from './scrape-loop.ts';

export interface ReloaderDeps {
  /** Reads the config and what the flags make of it. Rejects with what is wrong with it. */
  load(): Promise<LoopSettings>;
  apply(settings: LoopSettings): void;
  /** Unix milliseconds. */
  now(): number;
  onEvent(event: LoopEvent): void;
}

/** Reads the config again when asked. A broken one changes nothing but what is told of it. */
export class Reloader {
  readonly #deps: ReloaderDeps;
  readonly #path: string | undefined;
  #loadedAtMs: number;
  #error: PyroPullError | undefined;
  #running: Promise<ReloadResult> | undefined;
  #next: Promise<ReloadResult> | undefined;

  /** A config has just been loaded from `path`. */
  constructor(path: string | undefined, deps: ReloaderDeps) {
    this.#deps = deps;
    this.#path = path;
    this.#loadedAtMs = deps.now();
  }

  get view(): ConfigView {
    return {
      path: this.#path,
      loadedAtMs: this.#loadedAtMs,
      isLastReloadGood: this.#error === undefined,
      lastReloadError: this.#error,
    };
  }

  /** Never rejects. What asks while a reload is under way gets one that begins after it, as the file may have changed. */
  reload(): Promise<ReloadResult> {
    if (this.#running === undefined) {
      this.#running = this.#reload().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.reload();
    });
    return this.#next;
  }

  async #reload(): Promise<ReloadResult> {
    const { load, apply, now, onEvent } = this.#deps;
    try {
      const settings = await load();
      apply(settings);
      this.#loadedAtMs = now();
      this.#error = undefined;
      onEvent({ type: 'reloaded', jobs: settings.config.scrapeConfigs.length });
      return { isGood: true };
    } catch (cause) {
      const error = cause instanceof PyroPullError ? cause : asReloadError(cause);
      this.#error = error;
      onEvent({ type: 'reload-failed', error });
      return { isGood: false, error };
    }
  }
}

function asReloadError(cause: unknown): PyroPullError {
  return new PyroPullError('RELOAD', cause instanceof Error ? cause.message : String(cause), { cause });
}
