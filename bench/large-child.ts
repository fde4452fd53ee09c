import { readFileSync } from 'node:fs';
import { deltaFiles } from '../src/delta/file-delta.ts';
import { ProfileError } from '../src/errors.ts';
import { ProfileBody } from '../src/profile/profile-body.ts';
import { validateProfile } from '../src/profile/validate-profile.ts';

/** Reads the one file or makes the delta of the two that are named; prints what that took as JSON: KiB resident, CPU in us. */
const [before = '', after] = process.argv.slice(2);
let samples = -1;
try {
  if (after === undefined) {
    const { limits, pprof } = new ProfileBody(readFileSync(before), 64 * 1024 * 1024);
    samples = validateProfile(pprof, { limits }).samples;
  } else {
    samples = deltaFiles(readFileSync(before), readFileSync(after)).samples;
  }
} catch (error) {
  if (!(error instanceof ProfileError)) throw error;
  process.stderr.write(`${error.message}\n`);
}
const { user, system } = process.cpuUsage();
const peakKiB = Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
process.stdout.write(JSON.stringify({ samples, peakKiB, cpuMicros: user + system }));
