import { LAYOUT } from './exchange.ts';

/** What assembly/index.ts exports: functions, and the places in memory that both sides know. */
export interface EngineExports {
  readonly memory: WebAssembly.Memory;
  /** Places of what is told through memory: see exchange.ts. */
  readonly header: number;
  readonly request: number;
  readonly result: number;
  readonly columnPlaces: number;
  readonly totals: number;
  readonly totalsBefore: number;
  begin(bytes: number): void;
  take(size: number): number;
  giveBack(start: number): void;
  gzipBound(length: number): number;
  gzip(source: number, length: number, target: number): number;
  gunzip(source: number, length: number, target: number, capacity: number): number;
  index(profile: number, length: number): number;
  check(maxStackDepth: number, maxLabels: number): number;
  makeDelta(): number;
}

/** The exports of an instance, their kinds checked: a module that was built of other sources is a broken install. */
export function engineExports({ exports }: WebAssembly.Instance): EngineExports {
  const { memory } = exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('engine.wasm exports no memory');
  const place = (name: string): number => {
    const exported = exports[name];
    if (exported instanceof WebAssembly.Global && typeof exported.value === 'number') return exported.value;
    throw new TypeError(`engine.wasm exports no place ${name}`);
  };
  const call = (name: string): ((...numbers: readonly number[]) => number) => {
    const exported = exports[name];
    if (!isFunction(exported)) throw new TypeError(`engine.wasm exports no function ${name}`);
    return exported;
  };
  if (place('layout') !== LAYOUT)
    throw new TypeError('engine.wasm and this program were built apart: run npm run build');
  return {
    memory,
    header: place('header'),
    request: place('request'),
    result: place('result'),
    columnPlaces: place('columnPlaces'),
    totals: place('totals'),
    totalsBefore: place('totalsBefore'),
    begin: call('begin'),
    take: call('take'),
    giveBack: call('giveBack'),
    gzipBound: call('gzipBound'),
    gzip: call('gzip'),
    gunzip: call('gunzip'),
    index: call('index'),
    check: call('check'),
    makeDelta: call('makeDelta'),
  };
}

function isFunction(value: unknown): value is (...numbers: readonly number[]) => number {
  return typeof value === 'function';
}
