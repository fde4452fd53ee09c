import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { StaticGroup } from '../config/discovery-config.ts';
import { parseTargetGroups } from '../config/target-groups.ts';
import { ConfigError, type Problem } from '../errors.ts';
import type { TargetGroup } from './target-group.ts';

/** Longer texts would hold up the event loop for some 50 ms, and are parsed on another thread. */
const OFF_THREAD_CHARS = { json: 1024 * 1024, yaml: 64 * 1024 } as const;
/** A list of two million values takes half of it. */
const MAX_HEAP_MB = 1536;

export interface GroupsRequest {
  readonly text: string;
  /** For messages. */
  readonly file: string;
  readonly format: 'json' | 'yaml';
}

/** What the other thread sends. A group with very many targets comes in several parts, one after the other. */
export type GroupsMessage =
  | { readonly type: 'groups'; readonly parts: readonly { readonly index: number; readonly group: StaticGroup }[] }
  | { readonly type: 'end'; readonly warnings: readonly Problem[] }
  | { readonly type: 'invalid'; readonly problems: readonly Problem[] };

export interface ReadGroups {
  readonly groups: readonly TargetGroup[];
  readonly warnings: readonly Problem[];
}

/**
 * Reads a list of target groups as `parseTargetGroups` does, a long one without holding up the event loop. `toGroup` gets
 * each group and its place in the list. Rejects with a `ConfigError`.
 */
export async function readGroups(
  request: GroupsRequest,
  toGroup: (group: StaticGroup, index: number) => TargetGroup,
): Promise<ReadGroups> {
  if (request.text.length > OFF_THREAD_CHARS[request.format]) return readOffThread(request, toGroup);
  const { groups, warnings } = parseTargetGroups(request.text, request);
  return { groups: groups.map(toGroup), warnings };
}

function readOffThread(
  request: GroupsRequest,
  toGroup: (group: StaticGroup, index: number) => TargetGroup,
): Promise<ReadGroups> {
  return new Promise((resolve, reject) => {
    const groups: TargetGroup[] = [];
    const worker = startWorker({ workerData: request, resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
    worker.on('message', (message: GroupsMessage) => {
      if (message.type === 'end') resolve({ groups, warnings: message.warnings });
      else if (message.type === 'invalid') reject(new ConfigError(request.file, message.problems));
      else {
        for (const { index, group } of message.parts) {
          const known = groups[index];
          const built = toGroup(group, index);
          groups[index] = known ? { ...built, targets: known.targets.concat(built.targets) } : built;
        }
        worker.postMessage('next');
      }
    });
    worker.on('error', (error) => reject(tooLarge(error, request.file)));
    worker.on('exit', (code) => reject(new Error(`the thread that reads ${request.file} ended with code ${code}`)));
  });
}

function tooLarge(error: Error, file: string): Error {
  if (!('code' in error) || error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return error;
  const message = `reading it takes more than ${MAX_HEAP_MB} MiB of memory`;
  return new ConfigError(file, [
    { file, position: undefined, path: '', message, hint: 'split it into several', excerpt: undefined },
  ]);
}

/** The worker is a file of its own also in the bundle. */
function startWorker(options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./groups-worker.cjs', import.meta.url), options);
  // From source: tsx's hooks don't reach into threads, so the thread registers them again.
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const entry = JSON.stringify(new URL('./groups-worker.ts', import.meta.url).href);
  return new Worker(`import(${tsx}).then(({ register }) => (register(), import(${entry})))`, {
    ...options,
    eval: true,
  });
}
