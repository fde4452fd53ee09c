import { setTimeout as sleep } from 'node:timers/promises';

/** Polls for a moment of a run that is under way. Rejects if the run ends before it comes. */
export async function during(run: Promise<unknown>, hasCome: () => Promise<boolean>): Promise<void> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  run.then(end, end);
  while (!(await hasCome())) {
    if (ended) throw new Error('the run ended too early', { cause: await run });
    await sleep(20);
  }
}
