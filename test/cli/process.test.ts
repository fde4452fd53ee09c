import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runModule } from '../support/source-module.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const CONFIG = `scrape-configs:
  - job-name: j
    enabled-profiles: [cpu]
    static-configs: [{ application: app, targets: ["h:1"] }]
`;

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** Runs the command line in a process of its own. `stdout`: a file descriptor, or a pipe that nobody reads. */
async function runProcess(argv: readonly string[], stdout: number | 'closed pipe'): Promise<Ended> {
  const child = spawn(process.execPath, runModule('src/cli/dev.ts', ...argv), {
    stdio: ['ignore', stdout === 'closed pipe' ? 'pipe' : stdout, 'pipe'],
  });
  child.stdout?.destroy();
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stderr };
}

function configIn(t: { after(run: () => void): void }): string {
  const path = join(temporaryDirectory(t), 'pyro-pull.yml');
  writeFileSync(path, CONFIG);
  return path;
}

test('a reader that goes away is no fault of the run', async (t) => {
  const ended = await runProcess(['check', configIn(t)], 'closed pipe');
  assert.deepEqual(ended, { code: 0, stderr: '' });
});

test('results that cannot be written to standard output are a failure', {
  skip: !existsSync('/dev/full'),
}, async (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  const ended = await runProcess(['check', configIn(t)], full);
  assert.deepEqual(ended, {
    code: 1,
    stderr: 'pyro-pull: cannot write standard output: no space left on the device\n',
  });
});
