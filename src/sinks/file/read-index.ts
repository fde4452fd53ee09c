import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../errors.ts';
import { INDEX_FILE, type IndexEntry, LINE_START, parseIndexLine } from './index-entry.ts';

/** Far longer than any line of ours; what is longer is no line. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

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
  for await (const line of linesOf(join(dir, INDEX_FILE))) {
    number++;
    if (line.trim() === '') continue;
    const entry = parseIndexLine(line) ?? parseIndexLine(line.slice(Math.max(0, line.lastIndexOf(LINE_START))));
    if (entry) yield entry;
    else onSkipped(number, line.slice(0, 100));
  }
}

/** By newline bytes alone: readline would also split at U+2028, which may be part of a label. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  const hold = (part: Buffer) => {
    if (heldBytes < MAX_LINE_BYTES) held.push(part);
    heldBytes += part.length;
  };
  const release = () => {
    const line = Buffer.concat(held).toString();
    held = [];
    heldBytes = 0;
    return line;
  };
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      if (!Buffer.isBuffer(chunk)) continue;
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        hold(chunk.subarray(start, end));
        yield release();
        start = end + 1;
      }
      hold(chunk.subarray(start));
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  if (heldBytes > 0) yield release();
}
