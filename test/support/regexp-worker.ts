import { parentPort, workerData } from 'node:worker_threads';
import { adversarialTexts, textOfLength } from './adversarial-texts.ts';
import type { SourceRegexp } from './source-regexps.ts';

/** Long enough to see which text costs a regular expression most. */
const PROBE_LENGTH = 16 * 1024;
const FULL_LENGTH = 1024 * 1024;
/** Of each expression, this number of texts is run at full length: those that cost it most, by the probe. */
const FULL_TEXTS = 2;

export type WorkerMessage = { readonly begins: number; readonly on: string } | 'done';

/** Runs each expression on its adversarial texts. Says what it is about to run, so that another can stop it. */
function run(regexps: readonly SourceRegexp[]): void {
  for (const [index, { source, flags, splits }] of regexps.entries()) {
    const regexp = new RegExp(source, flags);
    const texts = adversarialTexts(source, flags).map((shape) => {
      const cost = timed(regexp, textOfLength(shape, PROBE_LENGTH), splits, () => say(index, shape));
      return { shape, cost };
    });
    texts.sort((a, b) => b.cost - a.cost);
    for (const { shape } of texts.slice(0, FULL_TEXTS)) {
      timed(regexp, textOfLength(shape, FULL_LENGTH), splits, () => say(index, shape));
    }
  }
  parentPort?.postMessage('done' satisfies WorkerMessage);
}

function say(begins: number, shape: object): void {
  parentPort?.postMessage({ begins, on: JSON.stringify(shape) } satisfies WorkerMessage);
}

/** Milliseconds of one use, as the source uses it. */
function timed(regexp: RegExp, text: string, splits: boolean, before: () => void): number {
  before();
  const start = performance.now();
  regexp.lastIndex = 0;
  if (splits) text.split(regexp);
  else if (regexp.global) text.replace(regexp, '');
  else regexp.exec(text);
  return performance.now() - start;
}

run(workerData);
