import { readFileSync } from 'node:fs';
import { createDeltaTracker } from '../src/delta/delta-tracker.ts';
import { freeNow } from '../src/profile/free-now.ts';
import { TrackerRun } from '../test/support/tracker-run.ts';

/** Takes the snapshots in the files named on the command line one after the other; prints its largest resident size in KiB. */
const run = new TrackerRun({ tracker: createDeltaTracker({ maxStateAgeMs: 86_400_000, ownsResponses: true }) });
for (const [at, file] of process.argv.slice(2).entries()) {
  const body = readFileSync(file);
  const scraped = run.responseAt(body, undefined, at * 15);
  const outcome = await run.tracker.next(scraped);
  // As it is done once all sinks have it.
  if (outcome.kind === 'profile') freeNow(outcome.body);
  run.tracker.keep(run.target.key);
}
process.stdout.write(String(peakKiB()));

/** Linux keeps the parent's size in `maxRSS` across fork and exec; `VmHWM` is that of this program alone. */
function peakKiB(): number {
  try {
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}
