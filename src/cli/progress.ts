import type { Ora } from 'ora';
import { oneLine } from '../safe-text/one-line.ts';
import { type Io, isInteractive } from './io.ts';

/** Tells people that the run is alive: a spinner on a terminal, elsewhere a plain line now and then. */
export interface Progress {
  update(text: string): void;
  /** Lets something else write a line without tearing the spinner. */
  around(write: () => void): void;
  stop(): void;
}

/** How often a run without a terminal says where it is, in milliseconds. */
const PLAIN_LINE_EVERY_MS = 10_000;

export async function startProgress(io: Io, options: { isPlain: boolean; now: () => number }): Promise<Progress> {
  if (!options.isPlain && isInteractive(io.stderr, io.env)) {
    const { default: ora } = await import('ora');
    return spinnerProgress(ora({ stream: process.stderr, discardStdin: false, hideCursor: true }).start());
  }
  return options.isPlain ? SILENT : plainProgress(io, options.now);
}

function spinnerProgress(spinner: Ora): Progress {
  return {
    update(text) {
      spinner.text = oneLine(text);
    },
    around(write) {
      spinner.clear();
      write();
      spinner.render();
    },
    stop() {
      spinner.stop();
    },
  };
}

function plainProgress(io: Io, now: () => number): Progress {
  let nextLineAt = now() + PLAIN_LINE_EVERY_MS;
  let last = '';
  const timer = setInterval(() => {
    if (now() < nextLineAt || last === '') return;
    nextLineAt = now() + PLAIN_LINE_EVERY_MS;
    io.stderr.write(`${oneLine(last)}\n`);
  }, 1000);
  timer.unref();
  return {
    update(text) {
      last = text;
    },
    around: (write) => write(),
    stop: () => clearInterval(timer),
  };
}

const SILENT: Progress = { update() {}, around: (write) => write(), stop() {} };
