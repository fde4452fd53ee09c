/**
 * The known word that someone who wrote `word` most likely meant, or undefined where none is close: up to one slip in three
 * characters, letter case and `_` for `-` not counted.
 */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  if (word.length > 80) return undefined;
  const written = fold(word);
  let best: string | undefined;
  let bestDistance = Math.floor(Math.min(written.length, 40) / 3) + 1;
  for (const candidate of known) {
    // At least as many slips as one is longer than the other.
    if (Math.abs(candidate.length - written.length) >= bestDistance) continue;
    const distance = editDistance(written, fold(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll('_', '-');
}

/** Insertions, deletions, replacements and swaps of neighbours between two short words. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
