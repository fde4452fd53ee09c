import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand, needCommand } from './debian.ts';
import { CACHE, INTEROP } from './places.ts';
import { mustRun } from './run-command.ts';

/** The oldest Go that builds what is here: what godeltaprof and google/pprof ask for. */
const OLDEST_MINOR = 26;
const TOOLCHAIN = 'go1.26.8';

// No cgo: the programs are the same with and without a C compiler on the machine.
const ENVIRONMENT = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' };

let toolchain: Promise<string> | undefined;

/** The `go` command: that of the machine if it is new enough, else one from the Go module proxy. */
export function goCommand(): Promise<string> {
  toolchain ??= findToolchain();
  return toolchain;
}

async function findToolchain(): Promise<string> {
  const own = findCommand('go');
  if (own !== undefined && (await minorVersion(own)) >= OLDEST_MINOR) return own;
  // Toolchains are published as modules. Any Go can download one, but only from 1.21 on make it executable as well.
  const old = own ?? (await needCommand('go', 'golang-go'));
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const module = `golang.org/toolchain@v0.0.1-${TOOLCHAIN}.${process.platform}-${architecture}`;
  const answer = await mustRun([old, 'mod', 'download', '-json', module], { env: { ...ENVIRONMENT, GOFLAGS: '' } });
  const root = /"Dir": "([^"]+)"/.exec(answer)?.[1];
  if (root === undefined) throw new Error(`no directory in the answer of go mod download: ${answer}`);
  for (const directory of ['bin', `pkg/tool/${process.platform}_${architecture}`]) {
    for (const name of readdirSync(join(root, directory))) {
      const file = join(root, directory, name);
      chmodSync(file, statSync(file).mode | 0o111);
    }
  }
  return join(root, 'bin/go');
}

async function minorVersion(go: string): Promise<number> {
  const answer = await mustRun([go, 'env', 'GOVERSION'], { env: ENVIRONMENT });
  return Number(/^go1\.(\d+)/.exec(answer)?.[1] ?? 0);
}

/** Builds a Go program of this directory, with further flags for `go build` and an experiment of Go, and gives the path of the executable. */
export async function buildGo(
  module: string,
  name = module,
  flags: readonly string[] = [],
  experiment = '',
): Promise<string> {
  const executable = join(CACHE, 'bin', name);
  mkdirSync(join(CACHE, 'bin'), { recursive: true });
  const command = [await goCommand(), 'build', '-buildvcs=false', ...flags, '-o', executable, '.'];
  await mustRun(command, { cwd: join(INTEROP, module), env: { ...ENVIRONMENT, GOEXPERIMENT: experiment } });
  return executable;
}

/**
 * Builds the command of a published module, once for each version, and gives the path of the executable. `directory` is one of
 * these beside the suites, whose go.mod requires it: `go install` refuses modules with replace directives. The go.sum beside
 * it says which bytes are meant.
 */
export async function buildCommand(
  directory: string,
  commandPackage: string,
  flags: readonly string[] = [],
): Promise<string> {
  const module = readFileSync(join(INTEROP, directory, 'go.mod'), 'utf8');
  const version = /^require \S+ (v\S+)$/m.exec(module)?.[1];
  if (version === undefined) throw new Error(`${directory}/go.mod names no version in a line of its own`);
  const executable = join(CACHE, 'bin', `${directory}-${version}`);
  if (existsSync(executable)) return executable;
  mkdirSync(join(CACHE, 'bin'), { recursive: true });
  // The linker of a large program would otherwise take whatever memory there is.
  const env = { ...ENVIRONMENT, GOMEMLIMIT: '4GiB' };
  const size = ['-trimpath', '-ldflags=-s -w'];
  const command = [await goCommand(), 'build', '-buildvcs=false', '-mod=readonly', ...size, ...flags];
  await mustRun([...command, '-o', `${executable}.new`, commandPackage], { cwd: join(INTEROP, directory), env });
  renameSync(`${executable}.new`, executable);
  return executable;
}

/** Runs `go tool pprof` on one file. */
export async function goToolPprof(flags: readonly string[], file: string): Promise<string> {
  const env = { ...ENVIRONMENT, PPROF_TMPDIR: join(CACHE, 'pprof') };
  return mustRun([await goCommand(), 'tool', 'pprof', ...flags, file], { env });
}
