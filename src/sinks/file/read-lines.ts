import { createReadStream } from 'node:fs';
import { errnoOf } from '../../errors.ts';

/** Far longer than any line of ours; what is longer is no line. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The lines of a file between two offsets; none where there is no file. By newline bytes alone: readline would also split
 * at U+2028, which may be part of a label. Rejects with the system's error.
 */
export async function* readLines(
  path: string,
  { start = 0, end = Number.POSITIVE_INFINITY }: { readonly start?: number; readonly end?: number } = {},
): AsyncGenerator<string> {
  if (end <= start) return;
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
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024, start, end: end - 1 })) {
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
