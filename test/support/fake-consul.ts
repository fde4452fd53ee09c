import type { ServerResponse } from 'node:http';
import { type Answer, answers, type Cleanup, type FakeTarget, startFakeTarget } from './fake-target.ts';

/** An agent's HTTP API as discovery sees it, with blocking queries. */
export interface FakeConsul extends FakeTarget {
  /** What is asked about, by path and without the query, from now on answered like this; undefined: as usual again. */
  override(path: string, answer: Answer | undefined): void;
  /** Registers a service, or changes it. Wakes the queries that wait for it. */
  setService(name: string, entries: readonly unknown[], tags?: readonly string[]): void;
  removeService(name: string): void;
  /** Answers the queries that are held, as at the end of their wait. */
  endWaits(): void;
  /** Paths that are held at the moment. */
  held(): readonly string[];
}

interface Held {
  readonly path: string;
  readonly index: number;
  readonly respond: () => void;
}

export async function startFakeConsul(t: Cleanup): Promise<FakeConsul> {
  const services = new Map<string, { entries: readonly unknown[]; tags: readonly string[]; index: number }>();
  const overrides = new Map<string, Answer>();
  const held = new Set<Held>();
  let index = 10;
  const indexOf = (path: string): number => {
    const name = serviceOf(path);
    return name === undefined ? index : (services.get(name)?.index ?? index);
  };
  const bodyOf = (path: string): unknown => {
    const name = serviceOf(path);
    if (name !== undefined) return services.get(name)?.entries ?? [];
    return Object.fromEntries([...services].map(([service, { tags }]) => [service, tags]));
  };
  const respond = (path: string, response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': indexOf(path) });
    response.end(JSON.stringify(bodyOf(path)));
  };
  const server = await startFakeTarget(t, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://consul');
    const path = url.pathname;
    const override = overrides.get(path);
    if (override !== undefined) return override(request, response);
    if (path === '/v1/agent/self') return answers.body('{"Config":{"Datacenter":"dc1"}}')(request, response);
    const asked = Number(url.searchParams.get('index') ?? 0);
    if (asked === 0 || indexOf(path) > asked) return respond(path, response);
    const waiting = { path, index: asked, respond: () => respond(path, response) };
    held.add(waiting);
    response.on('close', () => held.delete(waiting));
  });
  const wake = (all = false): void => {
    for (const one of [...held]) {
      if (!all && indexOf(one.path) <= one.index) continue;
      held.delete(one);
      one.respond();
    }
  };
  return Object.assign(server, {
    held: () => [...held].map(({ path }) => path),
    override(path: string, answer: Answer | undefined) {
      if (answer === undefined) overrides.delete(path);
      else overrides.set(path, answer);
    },
    setService(name: string, entries: readonly unknown[], tags: readonly string[] = []) {
      index += 1;
      services.set(name, { entries, tags, index });
      wake();
    },
    removeService(name: string) {
      index += 1;
      services.delete(name);
      wake();
    },
    endWaits: () => wake(true),
  });
}

function serviceOf(path: string): string | undefined {
  const name = /^\/v1\/health\/service\/(.+)$/.exec(path)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}
