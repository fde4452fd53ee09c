import { closeInEngine, engineText, openInEngine } from '../profile/engine-profile.ts';
import type { ProfileLimits } from '../profile/limits.ts';
import type { ProfileBody } from '../profile/profile-body.ts';
import type { ProfileHeader } from '../profile/validate-profile.ts';
import { type Engine, leaveEngine } from '../wasm/engine.ts';
import { DROP, HEADER, KEEP, REQUEST, RESULT } from '../wasm/exchange.ts';
import { type ColumnLayout, columnLayout } from './column-layout.ts';
import { type HashSeed, PROCESS_SEED } from './content-hash.ts';
import { type DeltaState, entrySize, VANISHED_SNAPSHOTS } from './delta-state.ts';
import {
  type Declinable,
  type DeltaDeclined,
  type DeltaPlan,
  type DeltaRequest,
  type DeltaResult,
  doNamesDecide,
} from './engine.ts';
import { stateArrays } from './kept-targets.ts';

export interface EngineRequest extends Omit<DeltaRequest, 'profile'> {
  readonly content: ProfileBody;
  /** Nobody else needs the content as it came: its bytes are freed once the engine has it. */
  readonly spendsContent?: boolean;
  /** Of the output. */
  readonly form: 'gzip' | 'pprof';
}

/**
 * What `computeDelta` gives, made by the engine in WebAssembly. Undefined where that gives up without a verdict: for all
 * but ordinary profiles, and for whatever is wrong with one.
 */
export function engineDelta(request: EngineRequest): DeltaResult | undefined;
export function engineDelta(request: Declinable<EngineRequest>): DeltaResult | DeltaDeclined | undefined;
export function engineDelta({
  content,
  spendsContent,
  form,
  state,
  plan,
  ...request
}: Declinable<EngineRequest>): DeltaResult | DeltaDeclined | undefined {
  const limits = request.limits ?? content.limits;
  if (request.namesDecide || doNamesDecide(state)) return undefined;
  const opened = openInEngine(content, limits);
  if (opened === undefined) return undefined;
  const { engine, header } = opened;
  const planned = plan(header);
  // It stays open for whoever looks at it next.
  if (planned === undefined) return { kind: 'declined', header };
  closeInEngine();
  if (spendsContent) content.spend(opened.copied);
  const layout = columnLayout(header, planned.columns);
  const before = state?.shape === layout.shape ? state : undefined;
  const seed = state?.seed ?? PROCESS_SEED;
  tellColumns(engine, header, layout);
  tellRequest(engine, { seed, layout, planned, limits, header, form });
  if (!tellBefore(engine, before) || engine.calls.makeDelta() === 0) {
    // Whoever takes over gets a copy of the profile from here.
    if (!spendsContent) leaveEngine();
    return undefined;
  }
  engine.look();
  const next = stateOf(engine, seed, layout);
  if (before === undefined) return { kind: state === undefined ? 'baseline' : 'types-changed', header, state: next };
  const profile = engine.copy(told(engine, RESULT.output), told(engine, RESULT.outputBytes));
  return {
    kind: 'delta',
    header,
    profile,
    sampleTypes: layout.kept.map((column) => header.sampleTypes[column]!),
    samples: told(engine, RESULT.outputSamples),
    isReset: told(engine, RESULT.isReset) !== 0,
    clamped: told(engine, RESULT.clamped),
    state: next,
  };
}

/** Where each column's values go. */
function tellColumns({ calls, words }: Engine, { sampleTypes }: ProfileHeader, { kept, order }: ColumnLayout): void {
  const places = calls.columnPlaces >>> 2;
  words.fill(DROP, places, places + sampleTypes.length);
  for (const column of kept) words[places + column] = KEEP;
  for (let place = 0; place < order.length; place++) words[places + order[place]!] = place;
}

interface Told {
  readonly seed: HashSeed;
  readonly layout: ColumnLayout;
  readonly planned: DeltaPlan;
  readonly limits: ProfileLimits;
  readonly header: ProfileHeader;
  readonly form: EngineRequest['form'];
}

function tellRequest(engine: Engine, { seed, layout, planned, limits, header, form }: Told): void {
  const { calls, numbers } = engine;
  tell(engine, REQUEST.seed, seed.a);
  tell(engine, REQUEST.seed + 4, seed.b);
  tell(engine, REQUEST.maxStackDepth, limits.maxStackDepth);
  tell(engine, REQUEST.maxLabels, limits.maxLabelsPerSample);
  tell(engine, REQUEST.maxVanished, limits.maxSamples);
  tell(engine, REQUEST.firstPatience, VANISHED_SNAPSHOTS);
  tell(engine, REQUEST.defaultSampleType, keptDefault(engine, header, layout));
  tell(engine, REQUEST.compresses, form === 'gzip' ? 1 : 0);
  numbers[(calls.request + REQUEST.timeNanos) >>> 3] = planned.timeNanos;
  numbers[(calls.request + REQUEST.durationNanos) >>> 3] = planned.durationNanos;
}

/** String index of the default sample type, or 0 if its column was dropped. */
function keptDefault(engine: Engine, { sampleTypes }: ProfileHeader, { kept }: ColumnLayout): number {
  const index = engine.words[(engine.calls.header + HEADER.defaultSampleType) >>> 2]!;
  if (index === 0) return 0;
  const name = engineText(engine, HEADER.defaultSampleTypeText);
  return kept.some((column) => sampleTypes[column]!.type === name) ? index : 0;
}

/** False where there is no room for the state. */
function tellBefore(engine: Engine, before: DeltaState | undefined): boolean {
  const { calls } = engine;
  const entries = before === undefined ? 0 : engine.place(bytesOf(before.entries));
  const patience = before === undefined ? 0 : engine.place(before.patience);
  if (before !== undefined && (entries === 0 || patience === 0)) return false;
  const { numbers } = engine;
  tell(engine, REQUEST.hasBefore, before === undefined ? 0 : 1);
  tell(engine, REQUEST.entries, entries);
  tell(engine, REQUEST.samples, before?.samples ?? 0);
  tell(engine, REQUEST.vanished, before?.patience.length ?? 0);
  tell(engine, REQUEST.patience, patience);
  tell(engine, REQUEST.mainMapping, before?.mainMapping[0] ?? 0);
  tell(engine, REQUEST.mainMapping + 4, before?.mainMapping[1] ?? 0);
  if (before === undefined) return true;
  for (let at = 0; at < before.totals.length; at++) {
    const total = before.totals[at]!;
    numbers[(calls.totalsBefore >>> 3) + at * 2] = BigInt.asIntN(64, total);
    numbers[(calls.totalsBefore >>> 3) + at * 2 + 1] = total >> 64n;
  }
  return true;
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The state after the snapshot, copied out of the engine's memory. */
function stateOf(engine: Engine, seed: HashSeed, { names, shape }: ColumnLayout): DeltaState {
  const { bytes, calls, numbers, words } = engine;
  const samples = told(engine, RESULT.samples);
  const vanished = told(engine, RESULT.vanished);
  const { entries, patience } = stateArrays(names.length, (samples + vanished) * entrySize(names.length), vanished);
  const entriesAt = told(engine, RESULT.entries) >>> 2;
  const patienceAt = told(engine, RESULT.patience);
  entries.set(words.subarray(entriesAt, entriesAt + entries.length));
  patience.set(bytes.subarray(patienceAt, patienceAt + vanished));
  const mainMapping = (calls.result + RESULT.mainMapping) >>> 2;
  return {
    seed,
    shape,
    columns: names,
    totals: names.map((_, at) => {
      const total = (calls.totals >>> 3) + at * 2;
      return (numbers[total + 1]! << 64n) + BigInt.asUintN(64, numbers[total]!);
    }),
    mainMapping: [words[mainMapping]!, words[mainMapping + 1]!],
    samples,
    entries,
    patience,
  };
}

function tell({ calls, words }: Engine, field: number, value: number): void {
  words[(calls.request + field) >>> 2] = value;
}

function told({ calls, words }: Engine, field: number): number {
  return words[(calls.result + field) >>> 2]!;
}
