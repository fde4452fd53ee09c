import { z } from 'zod';
import { buildGo, goToolPprof } from './go-toolchain.ts';
import { mustRun } from './run-command.ts';

const values = z.record(z.string(), z.number());

const description = z.object({
  sampleTypes: z.array(z.string()),
  defaultSampleType: z.string(),
  timeNanos: z.string().transform(BigInt),
  durationNanos: z.number(),
  samples: z.number(),
  totals: values,
  withoutStack: values,
  lowest: z.number(),
  zeroSamples: z.number(),
  duplicateSamples: z.number(),
  unusedLocations: z.number(),
  unusedFunctions: z.number(),
  functions: z.record(z.string(), values),
  programFunctions: z.record(z.string(), values),
  labels: z.array(z.string()),
  buildIds: z.array(z.string()),
});
const verdict = z.object({ equal: z.boolean(), samples: z.number(), differences: z.array(z.string()) });
const usages = z.array(
  z.object({ cpuMs: z.number(), wallMs: z.number(), maxRssBytes: z.number(), cpuRatio: z.number() }),
);

/** What google/pprof finds in a file. */
export type Description = z.infer<typeof description>;

let oracle: Promise<string> | undefined;

export async function prepareOracle(): Promise<string> {
  oracle ??= buildGo('oracle');
  return oracle;
}

/** What is in a pprof file, by google/pprof. Throws if it is not valid. */
export async function describe(file: string): Promise<Description> {
  return description.parse(JSON.parse(await mustRun([await prepareOracle(), 'describe', file])));
}

/**
 * What a merged profile of a Pyroscope server has of one type of a file: 1.6.0 stores samples without a stack (Go has one
 * for a goroutine that it meets between two frames), but leaves them out of stacks that it gives back.
 */
export function totalOnStacks(file: Description, type: string): number {
  return (file.totals[type] ?? 0) - (file.withoutStack[type] ?? 0);
}

/**
 * Compares a file, sample by sample, with what google/pprof makes of the two snapshots, or with the one snapshot. Gives
 * the first differences, none if all is right.
 */
export async function differences(result: string, ...snapshots: readonly string[]): Promise<readonly string[]> {
  const answer = await mustRun([await prepareOracle(), 'judge', result, ...snapshots]);
  return verdict.parse(JSON.parse(answer)).differences;
}

/** Medians over `rounds` runs of each command, run in turns; ratios are to the first command. */
export async function measureCpu(rounds: number, commands: readonly (readonly string[])[], cwd: string) {
  const input = JSON.stringify(commands);
  return usages.parse(JSON.parse(await mustRun([await prepareOracle(), 'cpu', String(rounds)], { input, cwd })));
}

/** Totals by sample type as `go tool pprof -raw` prints the samples of a file. */
export async function rawTotals(file: string): Promise<Record<string, number>> {
  const text = await goToolPprof(['-raw'], file);
  const [, header = '', body = ''] = /^Samples:\n(.*)\n([\s\S]*?)^Locations/m.exec(text) ?? [];
  const types = header.split(' ').map((type) => type.replace(/\/.*/, ''));
  const totals = types.map(() => 0);
  for (const [, numbers = ''] of body.matchAll(/^\s*(-?\d+(?: +-?\d+)*): /gm)) {
    for (const [index, number] of numbers.trim().split(/ +/).entries())
      totals[index] = (totals[index] ?? 0) + Number(number);
  }
  return Object.fromEntries(types.map((type, index) => [type, totals[index] ?? 0]));
}
