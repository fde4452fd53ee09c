import { z } from 'zod';
import { freePort } from '../../support/free-port.ts';
import { buildGo } from '../support/go-toolchain.ts';
import { startProgram, untilReady } from '../support/program.ts';

const values = z.record(z.string(), z.number());
const allocCount = z.object({ objects: z.number(), bytes: z.number() });
const hello = z.object({ addresses: z.tuple([z.string()], z.string()), version: z.string() });
const counters = z.object({
  version: z.string(),
  allocs: z.record(z.string(), allocCount),
  kept: allocCount,
  contentions: values,
  blocks: values,
  parked: z.number(),
});
const served = z.array(
  z.object({ profile: z.string(), query: z.string(), totals: values, sites: z.record(z.string(), values) }),
);

/** What the service did since it started, by its own count. */
export type Counters = z.infer<typeof counters>;
/** A profile that the service sent, and the runtime's counters at that moment. */
export type Served = z.infer<typeof served>[number];

/** `leaks` can find leaked goroutines; `pie` moves at every start; `rebuilt` is the same program from another build, with every address in its place. */
export type Build = 'plain' | 'pie' | 'rebuilt' | 'leaks';

// A build id in every build, as newer toolchains give by default.
const FLAGS: Readonly<Record<Build, readonly string[]>> = {
  plain: ['-ldflags=-B gobuildid'],
  pie: ['-buildmode=pie', '-ldflags=-B gobuildid'],
  leaks: ['-ldflags=-B gobuildid'],
  rebuilt: ['-ldflags=-B gobuildid -X main.version=two'],
};

/** A build with one compiles the standard library anew, which takes a minute: only the suite that needs it makes it. */
const EXPERIMENTS: Readonly<Partial<Record<Build, string>>> = { leaks: 'goroutineleakprofile' };

export async function prepare(): Promise<void> {
  for (const build of ['plain', 'pie', 'rebuilt'] as const) await executable(build);
}

const built = new Map<Build, Promise<string>>();

export function executable(build: Build): Promise<string> {
  const known = built.get(build) ?? buildGo('goservice', `goservice-${build}`, FLAGS[build], EXPERIMENTS[build]);
  built.set(build, known);
  return known;
}

export interface GoService {
  readonly addresses: readonly string[];
  readonly address: string;
  readonly pid: number;
  /** Asks for a piece of work, such as `alloc?site=kept&n=10&size=64`, and waits until it is done. */
  do(work: string): Promise<void>;
  counters(): Promise<Counters>;
  served(profile: string): Promise<Served[]>;
  /** Whether a profile with `seconds` is under way whose first snapshot has been taken. */
  isMeasuring(): Promise<boolean>;
  stop(): Promise<void>;
}

export interface GoServiceOptions {
  readonly build?: Build;
  /** Where to listen; a port that stays free when the service ends, if not given. */
  readonly listen?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the service of ours that can account for its profiles. */
export async function start(options: GoServiceOptions = {}): Promise<GoService> {
  const listen = options.listen ?? `127.0.0.1:${await freePort()}`;
  const command = [await executable(options.build ?? 'plain'), '-listen', listen];
  const program = startProgram('goservice', [...command, ...(options.flags ?? [])], { env: options.env ?? {} });
  const { addresses } = await untilReady(program, () => {
    const line = program.output();
    return line.startsWith('{') && line.endsWith('\n') ? hello.parse(JSON.parse(line)) : undefined;
  });
  const address = addresses[0];
  const ask = async (method: string, path: string): Promise<string> => {
    const response = await fetch(`http://${address}/${path}`, { method });
    const text = await response.text();
    if (!response.ok) throw new Error(`goservice answers ${response.status} to ${path}: ${text}`);
    return text;
  };
  return {
    addresses,
    address,
    pid: program.pid,
    do: async (work) => void (await ask('POST', work)),
    counters: async () => counters.parse(JSON.parse(await ask('GET', 'counters'))),
    served: async (profile) => {
      const all = served.parse(JSON.parse(await ask('GET', 'served')));
      return all.filter((one) => one.profile === profile);
    },
    // net/http/pprof takes the first snapshot, then waits for the time to be over.
    isMeasuring: async () =>
      /^goroutine \d+ \[select.*\n(?:.+\n)*?net\/http\/pprof\..*serveDeltaProfile/m.test(
        await ask('GET', 'debug/pprof/goroutine?debug=2'),
      ),
    stop: program.stop,
  };
}
