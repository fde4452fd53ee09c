import { chmodSync, cpSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { mustRun } from './run-command.ts';

/** A stage of a Dockerfile as a directory, and how its program is started. */
export interface BuiltImage {
  readonly root: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
  readonly workdir: string;
}

/**
 * Does what a Dockerfile says, without an engine: FROM makes an empty directory, COPY copies, RUN runs with this machine's
 * programs. Paths in RUN are not those of the directory, but for the WORKDIR, so this is for files whose RUN lines need no
 * more; `mkdir /x` is taken for the directory's.
 */
export async function buildByHand(dockerfile: string, context: string, directory: string): Promise<BuiltImage> {
  const stages = new Map<string, string>();
  let root = '';
  let workdir = '/';
  let user = '';
  let entrypoint: readonly string[] = [];
  let command: readonly string[] = [];
  for (const { word, rest } of instructionsOf(dockerfile)) {
    switch (word) {
      case 'FROM': {
        const name = / AS (\S+)$/.exec(rest)?.[1] ?? 'last';
        root = join(directory, name);
        stages.set(name, root);
        mkdirSync(root, { recursive: true });
        workdir = '/';
        break;
      }
      case 'WORKDIR':
        workdir = rest;
        mkdirSync(join(root, workdir), { recursive: true });
        break;
      case 'COPY': {
        const parts = rest.split(/\s+/);
        const from = parts.find((part) => part.startsWith('--from='))?.slice('--from='.length);
        const paths = parts.filter((part) => !part.startsWith('--'));
        const source = from === undefined ? context : (stages.get(from) ?? '');
        copy(
          paths.slice(0, -1).map((path) => join(source, path)),
          join(root, resolvePath(workdir, paths.at(-1) ?? '')),
        );
        break;
      }
      case 'RUN':
        await mustRun(['sh', '-c', rest.replaceAll('mkdir /', `mkdir ${root}/`)], { cwd: join(root, workdir) });
        break;
      case 'USER':
        user = rest;
        break;
      case 'ENTRYPOINT':
        entrypoint = JSON.parse(rest);
        break;
      case 'CMD':
        command = JSON.parse(rest);
        break;
      case 'EXPOSE':
      case 'HEALTHCHECK':
        break;
      default:
        throw new Error(`no instruction ${word}`);
    }
  }
  return { root, entrypoint, command, user, workdir };
}

function instructionsOf(text: string): { readonly word: string; readonly rest: string }[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [word = ''] = line.split(' ');
      return { word, rest: line.slice(word.length + 1) };
    });
}

function resolvePath(workdir: string, path: string): string {
  return path.startsWith('/') ? path : join(workdir, path);
}

/** As COPY does: of a directory its contents; into one that ends in a slash or gets several. */
function copy(sources: readonly string[], to: string): void {
  for (const source of sources) {
    if (!existsSync(source)) throw new Error(`COPY: there is no ${source}`);
    const intoDirectory = to.endsWith('/') || sources.length > 1;
    const isDirectory = statSync(source).isDirectory();
    cpSync(source, intoDirectory && !isDirectory ? join(to, basename(source)) : to, { recursive: true });
  }
  chmodSync(to, statSync(to).mode | 0o055);
}
