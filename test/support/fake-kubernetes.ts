import type { ServerResponse } from 'node:http';
import type { TlsOptions } from 'node:tls';
import { type Answer, answers, type Cleanup, type FakeTarget, startFakeTarget } from './fake-target.ts';

export interface FakeObject {
  readonly metadata: { readonly namespace?: string; readonly name: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

interface Watch {
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly path: string;
  readonly response: ServerResponse;
}

interface Change {
  readonly type: string;
  readonly resource: string;
  readonly version: number;
  readonly object: FakeObject;
}

/** An API server's lists and watches over objects that a test sets: versions, pages, bookmarks, 410. */
export interface FakeKubernetes {
  readonly server: FakeTarget;
  /** Stores an object under the next version and tells it to those who watch. */
  set(resource: string, object: FakeObject): void;
  delete(resource: string, name: string, namespace?: string): void;
  /** Forgets all changes: whoever watches from before now gets 410. */
  compact(): void;
  /** Answers before the server itself would; undefined ends that. */
  override: Answer | undefined;
  /** As `override`, for watches only. */
  overrideWatch: Answer | undefined;
  /** Objects on a page, where the request has a limit and is not for any version (`resourceVersion=0`). */
  pageSize: number;
  /** Watches that are open, as paths with queries. */
  watches(): readonly string[];
  /** Writes to every open watch. */
  write(text: string | Uint8Array): void;
  bookmark(version?: string): void;
  /** An ERROR event. */
  error(code: number, reason: string): void;
  endWatches(): void;
  cutWatches(): void;
  /** Requests for lists, decoded. */
  lists(): readonly string[];
  /** Requests for watches, decoded. */
  watchRequests(): readonly string[];
}

const KINDS = /^(?:\/api\/v1|\/apis\/[^/]+\/v1)(?:\/namespaces\/([^/]+))?\/([a-z]+)$/;

export async function startFakeKubernetes(t: Cleanup, tls?: TlsOptions): Promise<FakeKubernetes> {
  const objects = new Map<string, Change>();
  const watches = new Set<Watch>();
  let log: Change[] = [];
  let version = 100;
  let oldest = 0;

  const send = (watch: Watch, { type, resource, object }: Change): void => {
    if (watch.resource !== resource) return;
    if (watch.namespace !== undefined && watch.namespace !== object.metadata.namespace) return;
    watch.response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const record = (type: string, resource: string, object: FakeObject): Change => {
    version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const change = { type, resource, version, object: stored };
    log.push(change);
    for (const watch of watches) send(watch, change);
    return change;
  };
  const list = (resource: string, namespace: string | undefined, query: URLSearchParams, response: ServerResponse) => {
    const all = [...objects.values()].filter(
      (one) => one.resource === resource && (namespace === undefined || one.object.metadata.namespace === namespace),
    );
    const start = Number(query.get('continue') ?? 0);
    const isPaged = query.has('limit') && query.get('resourceVersion') !== '0';
    const end = isPaged ? start + fake.pageSize : all.length;
    const more = end < all.length ? { continue: String(end) } : {};
    const items = all.slice(start, end).map(({ object }) => object);
    response.writeHead(200, { 'content-type': 'application/json' });
    // Go writes an empty list as null.
    response.end(
      JSON.stringify({ metadata: { resourceVersion: String(version), ...more }, items: items.length ? items : null }),
    );
  };

  const server = await startFakeTarget(
    t,
    (request, response) => {
      if (fake.override) return fake.override(request, response);
      const url = new URL(request.url ?? '/', 'http://kubernetes');
      const [, namespace, resource] = KINDS.exec(url.pathname) ?? [];
      if (resource === undefined) return status(404, 'NotFound')(request, response);
      if (!url.searchParams.has('watch')) return list(resource, namespace, url.searchParams, response);
      if (fake.overrideWatch) return fake.overrideWatch(request, response);
      const since = Number(url.searchParams.get('resourceVersion'));
      if (since < oldest) return status(410, 'Expired')(request, response);
      const watch = { resource, namespace, path: decodeURIComponent(request.url ?? ''), response };
      watches.add(watch);
      response.on('close', () => watches.delete(watch));
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      for (const change of log) if (change.version > since) send(watch, change);
    },
    tls === undefined ? {} : { tls },
  );
  const decoded = (isWatch: boolean): string[] =>
    server.requests.map(({ path }) => decodeURIComponent(path)).filter((path) => path.includes('watch=1') === isWatch);

  const fake: FakeKubernetes = {
    server,
    override: undefined,
    overrideWatch: undefined,
    pageSize: 1000,
    set(resource, object) {
      const key = `${resource} ${object.metadata.namespace} ${object.metadata.name}`;
      const type = objects.has(key) ? 'MODIFIED' : 'ADDED';
      objects.set(key, record(type, resource, object));
    },
    delete(resource, name, namespace) {
      const key = `${resource} ${namespace} ${name}`;
      const known = objects.get(key);
      objects.delete(key);
      if (known) record('DELETED', resource, known.object);
    },
    compact() {
      version += 1;
      log = [];
      oldest = version;
    },
    watches: () => [...watches].map(({ path }) => path),
    write(text) {
      for (const { response } of watches) response.write(text);
    },
    bookmark(at = String(version)) {
      fake.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: at } } })}\n`);
    },
    error(code, reason) {
      fake.write(
        `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code, reason, message: 'it is over' } })}\n`,
      );
    },
    endWatches() {
      for (const { response } of [...watches]) response.end();
    },
    cutWatches() {
      for (const { response } of [...watches]) response.destroy();
    },
    lists: () => decoded(false),
    watchRequests: () => decoded(true),
  };
  return fake;
}

/** A refusal as the API server words it. */
export function status(
  code: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
  more: object = {},
): Answer {
  const body = JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message: `${reason} it is`, ...more });
  return answers.body(body, { 'content-type': 'application/json', ...headers }, code);
}

/** A pod with one port; without an address where `ip` is empty. */
export function podOf(name: string, ip: string, { namespace = 'shop', phase = 'Running' } = {}): FakeObject {
  return {
    metadata: { namespace, name, uid: `u-${name}` },
    spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'r/app:1', ports: [{ containerPort: 8080 }] }] },
    status: { phase, ...(ip === '' ? {} : { podIP: ip }) },
  };
}
