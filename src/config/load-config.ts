import { access, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError, type Problem } from '../errors.ts';
import { checkReferences } from './check-references.ts';
import { wholeFileProblem } from './document/source-text.ts';
import { type ParsedConfig, type ParseOptions, parseWithReferences } from './parse-config.ts';

/** Stands for standard input in the place of a file name. */
export const STDIN = '-';

/** Looked for in this order where no config was named. */
const DEFAULT_CONFIG_FILES: readonly string[] = ['pyro-pull.yml', 'pyro-pull.yaml'];

export interface LoadOptions extends Pick<ParseOptions, 'sinkFlags'> {
  readonly expandEnv: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative names count from here; the working directory of the process unless said otherwise. */
  readonly cwd?: string;
  readonly stdin?: AsyncIterable<Uint8Array | string>;
}

/** The name of the first default config in a directory, or undefined where there is none. */
export async function findConfig(dir: string): Promise<string | undefined> {
  for (const name of DEFAULT_CONFIG_FILES) {
    const isThere = await access(resolve(dir, name)).then(
      () => true,
      () => false,
    );
    if (isThere) return name;
  }
  return undefined;
}

/**
 * Reads a config file, or standard input for `-`. Throws a `ConfigError` with all that is wrong with it. Certificates that it
 * names are looked into, since a bad one is the end of a whole job; a file that is missing is a warning, as it may appear
 * later.
 */
export async function loadConfig(file: string, options: LoadOptions): Promise<ParsedConfig> {
  const cwd = options.cwd ?? process.cwd();
  const isStdin = file === STDIN;
  const shown = isStdin ? '<stdin>' : file;
  const bytes = isStdin ? await readAll(options.stdin ?? process.stdin) : await readBytes(file, cwd);
  // Names in the config are joined to this and shown, so it stays relative where that means the same.
  const dir = dirname(cwd === process.cwd() ? file : resolve(cwd, file));
  const parsed = await parseWithReferences(decodeUtf8(bytes, shown), {
    file: shown,
    dir,
    expandEnv: options.expandEnv,
    env: options.env,
    sinkFlags: options.sinkFlags,
  });
  const { problems, warnings } = await checkReferences(parsed.references);
  if (problems.length > 0) throw new ConfigError(shown, problems);
  return {
    config: { ...parsed.config, path: file },
    warnings: [...parsed.warnings, ...warnings],
    unusableJobs: parsed.unusableJobs,
  };
}

async function readBytes(file: string, cwd: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(cwd, file));
  } catch (error) {
    throw new ConfigError(file, [unreadable(file, error)]);
  }
}

function unreadable(file: string, error: unknown): Problem {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return wholeFileProblem(file, 'config file not found', 'name another with --config FILE');
  if (code === 'EISDIR')
    return wholeFileProblem(file, 'this is a directory', 'name the config file in it with --config FILE');
  if (code === 'EACCES') return wholeFileProblem(file, 'no permission to read the file', 'check its owner and mode');
  return wholeFileProblem(file, `can't be read: ${error instanceof Error ? error.message : String(error)}`);
}

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks);
}

function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    const intact = new TextDecoder().decode(bytes).split('\ufffd', 1)[0] ?? '';
    const line = intact.split('\n').length;
    const problem = isUtf16
      ? wholeFileProblem(file, 'the file is UTF-16', 'save it as UTF-8')
      : {
          ...wholeFileProblem(file, 'this is not UTF-8 text', 'save the file as UTF-8'),
          position: { line, column: 1 },
        };
    throw new ConfigError(file, [problem]);
  }
}
