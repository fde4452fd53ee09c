import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory that is gone after the test. */
export function temporaryDirectory(t: { after(run: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'pyro-pull-test-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
