import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

/** A file that a browser loads. */
export interface Asset {
  readonly contentType: string;
  readonly body: Buffer;
}

export const PAGE_FILES = ['targets.html', 'targets.css', 'targets.js', 'icon.svg'] as const;
export type PageFile = (typeof PAGE_FILES)[number];

/** The page as the browser gets it, read once, when it is first asked for. */
export async function readPageAssets(): Promise<ReadonlyMap<PageFile, Asset>> {
  const read = await fileReader();
  const assets = PAGE_FILES.map(
    async (name) => [name, { contentType: contentTypeOf(name), body: await read(name) }] as const,
  );
  return new Map(await Promise.all(assets));
}

async function fileReader(): Promise<(name: PageFile) => Promise<Buffer>> {
  if (!import.meta.url.endsWith('.ts')) return (name) => readFile(new URL(`./page/${name}`, import.meta.url));
  // From source: the build's own step makes them now.
  const build: unknown = await import(new URL('../../build-page.js', import.meta.url).href);
  if (!hasBuildPage(build)) throw new Error('build-page.js has no buildPage');
  const files = await build.buildPage();
  return async (name) => Buffer.from(files[name] ?? '');
}

function hasBuildPage(module: unknown): module is { buildPage(): Promise<Record<string, string | Uint8Array>> } {
  return typeof module === 'object' && module !== null && 'buildPage' in module;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

function contentTypeOf(name: string): string {
  return CONTENT_TYPES[extname(name)] ?? 'application/octet-stream';
}
