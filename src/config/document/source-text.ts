import type { Position, Problem } from '../../errors.ts';
import { redactUrls } from '../../safe-text/redact-url.ts';
import type { Range } from './tree.ts';

/** Beyond this a line (a whole JSON document often is one) is cut around the fault. */
const MAX_EXCERPT = 400;

const SECRET_MASK = '<secret>';

/** The text of one file: turns offsets into what messages show. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  #lineStarts: readonly number[] | undefined;
  readonly #hidden: Range[] = [];
  /** The same in the order of the file, without overlaps; undefined while there are newer ones. */
  #hiddenInOrder: readonly Range[] | undefined;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** No excerpt will show this part. */
  hide(range: Range): void {
    if (range.end <= range.start) return;
    this.#hidden.push(range);
    this.#hiddenInOrder = undefined;
  }

  positionAt(offset: number): Position {
    const line = this.#lineAt(offset);
    return { line: line + 1, column: offset - this.#startOf(line) + 1 };
  }

  /** The whole line around an offset, as it stands. */
  lineAround(offset: number): string {
    const start = this.#startOf(this.#lineAt(offset));
    const newline = this.text.indexOf('\n', start);
    return this.text.slice(start, newline === -1 ? undefined : newline);
  }

  /** A fault at a range, or of the whole file where there is none. */
  problem(range: Range | undefined, fault: { path: string; message: string; hint: string | undefined }): Problem {
    const excerptOf = () => range && this.#excerpt(range);
    return {
      file: this.file,
      position: range && this.positionAt(range.start),
      path: fault.path,
      message: fault.message,
      hint: fault.hint,
      // Of many problems a few are shown.
      get excerpt() {
        return excerptOf();
      },
    };
  }

  #excerpt(range: Range): Problem['excerpt'] {
    const lineStart = this.#startOf(this.#lineAt(range.start));
    const newline = this.text.indexOf('\n', lineStart);
    const lineEnd = newline === -1 ? this.text.length : newline;
    const from = Math.max(lineStart, Math.min(range.start - MAX_EXCERPT / 2, lineEnd - MAX_EXCERPT));
    const to = Math.min(lineEnd, from + MAX_EXCERPT);
    const start = Math.min(range.start, to);
    const end = Math.max(start, Math.min(range.end, to));
    const before = this.#show({ start: from, end: start });
    const marked = this.#show({ start, end });
    const after = this.#show({ start: end, end: to });
    const text = `${from > lineStart ? '…' : ''}${before}${marked}${after}${to < lineEnd ? '…' : ''}`.trimEnd();
    const column = before.length + (from > lineStart ? 1 : 0) + 1;
    return text.trim() === '' ? undefined : { text, column, length: Math.max(1, marked.length) };
  }

  /** The text of a range of one line, with secrets masked. */
  #show({ start, end }: Range): string {
    let shown = '';
    let done = start;
    this.#hiddenInOrder ??= inOrder(this.#hidden);
    for (let index = firstEndingAfter(this.#hiddenInOrder, start); ; index++) {
      const hidden = this.#hiddenInOrder[index];
      if (hidden === undefined || hidden.start >= end) break;
      shown += this.text.slice(done, Math.max(done, hidden.start)) + SECRET_MASK;
      done = hidden.end;
    }
    if (done < end) shown += this.text.slice(done, end);
    return redactUrls(shown.replace(/\r$/, ''));
  }

  #lineAt(offset: number): number {
    this.#lineStarts ??= findLineStarts(this.text);
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#startOf(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #startOf(line: number): number {
    this.#lineStarts ??= findLineStarts(this.text);
    return this.#lineStarts[line] ?? 0;
  }
}

/** Sorted by their starts; those that overlap become one. */
function inOrder(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || range.start >= last.end) merged.push(range);
    else if (range.end > last.end) merged[merged.length - 1] = { start: last.start, end: range.end };
  }
  return merged;
}

/** The index of the first of these ranges that reaches beyond an offset. */
function firstEndingAfter(ranges: readonly Range[], offset: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.end ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return starts;
}

/** The file is too odd to have places in it. */
export function wholeFileProblem(file: string, message: string, hint?: string): Problem {
  return { file, position: undefined, path: '', message, hint, excerpt: undefined };
}
