import { ValueError } from './value-error.ts';

/** The part of all targets that one of several processes scrapes. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly total: number;
}

/** `auto`: to be found out where the process runs. */
export interface WrittenShard {
  readonly index: number | 'auto';
  readonly total: number;
}

const MAX_SHARDS = 10_000;

/** Reads `I/N` or `auto/N`. Throws a `ValueError`. */
export function parseShard(text: string): WrittenShard {
  if (text === 'auto') {
    throw new ValueError('"auto" does not say how many shards there are', 'write auto/N: nobody can tell from inside');
  }
  const [, first = '', count = ''] = /^(\d{1,6}|auto)\/(\d{1,6})$/.exec(text) ?? [];
  const total = Number(count);
  if (first === '' || total < 1) {
    throw new ValueError(
      `${JSON.stringify(text)} is not a shard`,
      'write I/N, as in 0/3 for the first of three, or auto/N',
    );
  }
  if (total > MAX_SHARDS) throw new ValueError(`${total} shards are too many`, `at most ${MAX_SHARDS}`);
  if (first === 'auto') return { index: 'auto', total };
  return shardOf(Number(first), total);
}

/** Throws a `ValueError` where there is no such shard. */
export function shardOf(index: number, total: number): Shard {
  if (index < total) return { index, total };
  const shards = total === 1 ? 'there is only shard 0' : `they are 0 to ${total - 1}`;
  throw new ValueError(`there is no shard ${index} of ${total}`, shards);
}
