import { readProfile } from '../../test/support/read-profile.ts';
import { CUMULATIVE, countersOf, SEQUENCE, type Snapshot, snapshotOf } from './counters.ts';

/** What one target did between two of its answers, as far as profiles tell. */
interface Account {
  /** The answer where the first delta began. */
  first: number;
  /** The answer where the last one ended. */
  last: number;
  /** Sums of all deltas, by cumulative column. */
  readonly sums: bigint[];
  /** No interval is missing or there twice. */
  isWhole: boolean;
}

export interface Breach {
  readonly where: string;
  readonly what: string;
}

/** Reads what pyro-pull made of the answers and compares it with what the targets counted, each delta and their sums. */
export class Ledger {
  /** By target, profile and epoch. */
  readonly #accounts = new Map<string, Account>();
  readonly breaches: Breach[] = [];
  readonly seen = new Set<string>();
  profiles = 0;
  /** Intervals (from one answer to the next) that no delta has, and that two have. */
  readonly lost: string[] = [];
  readonly twice: string[] = [];

  /** Takes an uncompressed profile that was written; `isReset` as its index says. */
  take(pprof: Uint8Array, isReset: boolean, where: string): void {
    const breach = (what: string) => {
      this.breaches.push({ where, what });
    };
    const profile = readProfile(pprof);
    const snapshot = snapshotOf(profile.comments);
    if (snapshot === undefined) {
      breach('a profile that no target sent');
      return;
    }
    const columns = CUMULATIVE[snapshot.profile];
    if (columns.length !== profile.sampleTypes.length) {
      breach(`${profile.sampleTypes.length} columns`);
      return;
    }
    const found = new Map<string, readonly bigint[]>();
    for (const { stack, values } of profile.samples) {
      const name = stack[0]?.lines[0]?.function.name ?? '';
      if (values.some((value) => value < 0n)) breach(`a negative value of ${name}`);
      if (found.has(name)) breach(`${name} is there twice`);
      found.set(name, values);
    }
    const isDelta = columns.includes(true);
    const fromNumber = isDelta ? snapshot.number - Number(found.get(SEQUENCE)?.[0] ?? 0n) : 0;
    if (fromNumber < 0) {
      breach(`starts at ${fromNumber}`);
      return;
    }
    this.profiles += 1;
    this.seen.add(keyOf(snapshot));
    const wanted = difference(snapshot, fromNumber, columns);
    for (const name of new Set([...found.keys(), ...wanted.keys()])) {
      const [is, should] = [found.get(name), wanted.get(name)];
      if (String(is) !== String(should))
        breach(`${keyOf(snapshot)} from ${fromNumber}: ${name} is ${is}, not ${should}`);
    }
    if (!isDelta) return;
    if (isReset !== (fromNumber === 0)) breach(`reset is ${isReset} from ${fromNumber}`);
    this.#account(snapshot, fromNumber, [...found.values()], columns);
  }

  #account(snapshot: Snapshot, from: number, found: readonly (readonly bigint[])[], columns: readonly boolean[]): void {
    const key = accountKey(snapshot);
    const account = this.#accounts.get(key) ?? { first: from, last: from, sums: columns.map(() => 0n), isWhole: true };
    this.#accounts.set(key, account);
    if (from > account.last) this.lost.push(`${key}: ${account.last} to ${from}`);
    if (from < account.last) this.twice.push(`${key}: ${from} to ${account.last}`);
    if (from !== account.last) account.isWhole = false;
    account.last = Math.max(account.last, snapshot.number);
    for (const values of found) {
      values.forEach((value, column) => {
        if (columns[column]) account.sums[column] = (account.sums[column] ?? 0n) + value;
      });
    }
  }

  /**
   * Compares the sums of all deltas with the target's counters, for each pair of a target and a profile. Left out are those
   * of which an interval is lost or there twice, which is told apart.
   */
  settle(isWanted: (target: number) => boolean): { readonly settled: number; readonly toSettle: number } {
    let settled = 0;
    let toSettle = 0;
    for (const [key, { first, last, sums, isWhole }] of this.#accounts) {
      const [target = '', profile = '', epoch = ''] = key.split(' ');
      if (!isWhole || !isWanted(Number(target)) || (profile !== 'mem' && profile !== 'mutex')) continue;
      toSettle += 1;
      const columns = CUMULATIVE[profile];
      const snapshot = { target: Number(target), profile, epoch: Number(epoch), number: last } as const;
      const wanted = columns.map(() => 0n);
      for (const values of difference(snapshot, first, columns).values()) {
        values.forEach((value, column) => {
          if (columns[column]) wanted[column] = (wanted[column] ?? 0n) + value;
        });
      }
      if (String(wanted) === String(sums)) settled += 1;
      else this.breaches.push({ where: key, what: `its deltas sum to ${sums}, its counters rose by ${wanted}` });
    }
    return { settled, toSettle };
  }

  /** The last answer of a target that is in a delta. */
  lastOf(snapshot: Omit<Snapshot, 'number'>): number | undefined {
    return this.#accounts.get(accountKey(snapshot))?.last;
  }

  firstOf(snapshot: Omit<Snapshot, 'number'>): number | undefined {
    return this.#accounts.get(accountKey(snapshot))?.first;
  }
}

/** What a delta from one answer to a later one has to hold: samples that are all 0 are left out. */
function difference(until: Snapshot, from: number, columns: readonly boolean[]): Map<string, readonly bigint[]> {
  const before = countersOf({ ...until, number: from });
  const result = new Map<string, readonly bigint[]>();
  for (const [name, values] of countersOf(until)) {
    const old = before.get(name);
    const rest = values.map((value, column) => (columns[column] ? value - (old?.[column] ?? 0n) : value));
    if (rest.some((value) => value !== 0n) || !columns.includes(true)) result.set(name, rest);
  }
  return result;
}

function accountKey({ target, profile, epoch }: Omit<Snapshot, 'number'>): string {
  return `${target} ${profile} ${epoch}`;
}

/** Names a profile by the answer that it ends with. */
export function keyOf(snapshot: Snapshot): string {
  return `${accountKey(snapshot)} ${snapshot.number}`;
}
