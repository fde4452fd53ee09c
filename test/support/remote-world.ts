import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '../../src/cli/run.ts';
import { buildProfile } from './build-profile.ts';
import { type Cleanup, type FakeTarget, startFakeTarget } from './fake-target.ts';
import { memoryIo } from './memory-io.ts';
import { sample, snapshot } from './sample-table.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A directory, a target with goroutines, and the command line as a user types it there. */
export interface RemoteWorld {
  readonly dir: string;
  readonly target: FakeTarget;
  /** Runs a command with these environment variables; `CONFIG` in an argument is the path of the config. */
  pyroPull(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Writes the config: one job, and what the text adds at the top level (`TARGET` in it is the target's address). */
  configure(more: string, job?: string): void;
  /** Profiles in a directory below this one, without their ending; none where there is no such directory. */
  queued(path: string): string[];
  /** Everything below the directory: path and content. */
  contents(): [path: string, text: string][];
}

export interface RemoteWorldOptions {
  /** Labels of the one sample that the target's goroutine profile has. */
  readonly sampleLabels?: readonly { readonly key: string; readonly str: string }[];
  /** How far the target's clock is ahead. */
  readonly clockAheadMs?: number;
}

export async function remoteWorld(t: Cleanup, options: RemoteWorldOptions = {}): Promise<RemoteWorld> {
  const { sampleLabels = [], clockAheadMs = 0 } = options;
  const dir = temporaryDirectory(t);
  const target = await startFakeTarget(t, {
    '/debug/pprof/goroutine': (_request, response) => {
      const profile = snapshot([{ ...sample('main;park', [3n]), labels: [...sampleLabels] }], {
        sampleTypes: [{ type: 'goroutine', unit: 'count' }],
        timeNanos: BigInt(Date.now() + clockAheadMs) * 1_000_000n,
      });
      response.end(gzipSync(buildProfile(profile)));
    },
  });
  const config = join(dir, 'pyro-pull.yml');
  const configure = (more: string, job = '') => {
    const indented = job.replace(/^(?=.)/gm, '    ');
    const text = `scrape-configs:\n  - job-name: shop\n    scrape-interval: 1s\n    enabled-profiles: [goroutines]\n    static-configs: [{application: shop, targets: ["TARGET"]}]\n${indented}\n${more}\n`;
    writeFileSync(config, text.replaceAll('TARGET', target.address));
  };
  configure('');
  return {
    dir,
    target,
    configure,
    pyroPull: async (argv, env = {}) => {
      const io = memoryIo({ cwd: dir, env });
      const code = await run(
        argv.map((arg) => arg.replace('CONFIG', config)),
        io,
      );
      return { code, out: io.out(), err: io.err() };
    },
    queued: (path) => {
      const names = existsSync(join(dir, path)) ? readdirSync(join(dir, path)) : [];
      return names.filter((name) => name.endsWith('.pb.gz')).map((name) => name.slice(0, -'.pb.gz'.length));
    },
    contents: () =>
      readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [path.slice(dir.length + 1), readFileSync(path, 'latin1')]),
  };
}
