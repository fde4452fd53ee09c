import { join } from 'node:path';
import { INDEX_FILE, type IndexEntry, LINE_START, parseIndexLine } from './index-entry.ts';
import { readLines } from './read-lines.ts';

/**
 * The entries of a directory that `scrape` wrote, in the order written; none where there is no index. A line that is
 * torn or foreign is skipped and told to `onSkipped` with its number (from 1) and its beginning; a good line that
 * stands behind the rest of a torn one is found. Rejects with the system's error when the index can't be read.
 */
export async function* readIndex(
  dir: string,
  onSkipped: (line: number, text: string) => void = () => {},
): AsyncGenerator<IndexEntry> {
  let number = 0;
  for await (const line of readLines(join(dir, INDEX_FILE))) {
    number++;
    if (line.trim() === '') continue;
    const entry = parseIndexLine(line) ?? parseIndexLine(line.slice(Math.max(0, line.lastIndexOf(LINE_START))));
    if (entry) yield entry;
    else onSkipped(number, line.slice(0, 100));
  }
}
