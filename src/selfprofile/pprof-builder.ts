import { fileURLToPath } from 'node:url';
import { Function as PprofFunction, Profile, StringTable } from 'pprof-format';
import type { SampleType } from '../profile/sample-type.ts';

/** A function as V8's profilers name it: the inspector protocol's `Runtime.CallFrame`. */
export interface CallFrame {
  /** Empty for an anonymous function. */
  readonly functionName: string;
  readonly scriptId: string;
  /** `file:` URL, `node:` name, or empty for what has no source. */
  readonly url: string;
  /** Where the function starts, counted from 0; -1 where there is no source. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

export interface ProfileHeader {
  readonly sampleTypes: readonly SampleType[];
  readonly periodType: SampleType;
  readonly period: number;
  readonly timeNanos: bigint;
  /** Left out for a snapshot. */
  readonly durationNanos?: bigint;
  readonly comments?: readonly string[];
}

/**
 * Collects stacks of V8 call frames into a pprof profile. V8 tells where a function starts, not which line of it ran, so
 * that start is the line of every frame. Equal stacks become one sample. The same calls give the same bytes.
 */
export class PprofBuilder {
  readonly #strings = new StringTable();
  /** Location ids by function; a location is a function here, so both have the same id. */
  readonly #ids = new Map<string, number>();
  readonly #functions: PprofFunction[] = [];
  readonly #samples = new Map<string, { readonly locationId: number[]; readonly value: number[] }>();

  /** Adds values (one for each sample type) to a stack, leaf first. */
  add(stack: readonly CallFrame[], values: readonly number[]): void {
    const locationId = stack.map((frame) => this.#locate(frame));
    const key = locationId.join();
    const sample = this.#samples.get(key);
    if (!sample) {
      this.#samples.set(key, { locationId, value: [...values] });
      return;
    }
    for (const [column, value] of values.entries()) sample.value[column] = (sample.value[column] ?? 0) + value;
  }

  /** The protobuf bytes, not compressed. */
  encode(header: ProfileHeader): Uint8Array {
    const valueType = ({ type, unit }: SampleType) => ({
      type: this.#strings.dedup(type),
      unit: this.#strings.dedup(unit),
    });
    return new Profile({
      sampleType: header.sampleTypes.map(valueType),
      sample: [...this.#samples.values()],
      location: this.#functions.map(({ id, startLine }) => ({ id, line: [{ functionId: id, line: startLine }] })),
      function: this.#functions,
      timeNanos: header.timeNanos,
      durationNanos: header.durationNanos ?? 0,
      periodType: valueType(header.periodType),
      period: header.period,
      comment: (header.comments ?? []).map((comment) => this.#strings.dedup(comment)),
      stringTable: this.#strings,
    }).encode();
  }

  #locate(frame: CallFrame): number {
    const key = frameKey(frame);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#functions.length + 1;
    const name = this.#strings.dedup(functionName(frame));
    const filename = this.#strings.dedup(fileName(frame.url));
    this.#functions.push(new PprofFunction({ id, name, systemName: name, filename, startLine: frame.lineNumber + 1 }));
    this.#ids.set(key, id);
    return id;
  }
}

/** Tells functions of one process apart. */
export function frameKey({ functionName, scriptId, url, lineNumber, columnNumber }: CallFrame): string {
  return `${scriptId}:${lineNumber}:${columnNumber}:${functionName}:${url}`;
}

/** Tools sum functions of one name, so an anonymous one is named after its place. */
function functionName({ functionName, url, lineNumber, columnNumber }: CallFrame): string {
  if (functionName !== '') return functionName;
  const file = fileName(url).split(/[\\/]/).at(-1) ?? '';
  return file === '' ? '(anonymous)' : `(anonymous ${file}:${lineNumber + 1}:${columnNumber + 1})`;
}

function fileName(url: string): string {
  if (!url.startsWith('file:')) return url;
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
