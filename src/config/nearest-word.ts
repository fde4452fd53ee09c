/**
 * The known word that someone who wrote `word` most likely meant, or undefined where none is close: up to one slip in three
 * characters, letter case and `_` for `-` not counted.
 */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const written = fold(word);
  let best: string | undefined;
  let bestDistance = Math.floor(Math.min(written.length, 40) / 3) + 1;
  for (const candidate of known) {
    // At least as many slips as one is longer than the other.
    if (Math.abs(candidate.length - written.length) >= bestDistance || candidate.length > MAX_LENGTH) continue;
    const distance = editDistance(written, fold(candidate), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Nobody misspells a longer word, and rows of this length are kept. */
const MAX_LENGTH = 80;

function fold(word: string): string {
  return word.toLowerCase().replaceAll('_', '-');
}

/** Rows of the table below. They are used again, as a file can have very many unknown words. */
let beforeLast = new Uint8Array(MAX_LENGTH + 1);
let last = new Uint8Array(MAX_LENGTH + 1);
let current = new Uint8Array(MAX_LENGTH + 1);

/** Insertions, deletions, replacements and swaps of neighbours between two short words; `limit` where there are that many. */
function editDistance(a: string, b: string, limit: number): number {
  for (let column = 0; column <= b.length; column++) last[column] = column;
  for (let row = 1; row <= a.length; row++) {
    current[0] = row;
    let least = row;
    for (let column = 1; column <= b.length; column++) {
      const cost = cheapest(a, b, row, column);
      current[column] = cost;
      if (cost < least) least = cost;
    }
    // A swap looks back two rows, and costs at least what the row before did.
    if (least > limit) return limit;
    [beforeLast, last, current] = [last, current, beforeLast];
  }
  return last[b.length] ?? 0;
}

function cheapest(a: string, b: string, row: number, column: number): number {
  const written = a.charCodeAt(row - 1);
  const known = b.charCodeAt(column - 1);
  const cost = Math.min(
    (last[column] ?? 0) + 1,
    (current[column - 1] ?? 0) + 1,
    (last[column - 1] ?? 0) + (written === known ? 0 : 1),
  );
  const isSwap = row > 1 && column > 1 && written === b.charCodeAt(column - 2) && a.charCodeAt(row - 2) === known;
  return isSwap ? Math.min(cost, (beforeLast[column - 2] ?? 0) + 1) : cost;
}
