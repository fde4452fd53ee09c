import type { Problem } from '../../errors.ts';
import { type SourceText, wholeFileProblem } from './source-text.ts';

/** Each becomes an object of some hundred bytes. A list of 250,000 targets with a label each has as many. */
export const MAX_JSON_NODES = 2_000_000;
/** Reading YAML takes a kilobyte for each. */
export const MAX_YAML_NODES = 500_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const NEWLINE = 0x0a;
const OPEN_LIST = 0x5b;
const OPEN_MAP = 0x7b;

/** The problem of a file that would unfold to too many values and keys; found in its text, before anything is built from it. */
export function tooManyNodes(source: SourceText, format: 'json' | 'yaml'): Problem | undefined {
  const max = format === 'json' ? MAX_JSON_NODES : MAX_YAML_NODES;
  // Each takes a character at least.
  if (source.text.length < max) return undefined;
  const exceeds = format === 'json' ? jsonExceeds(source.text, max) : yamlExceeds(source.text, max);
  if (!exceeds) return undefined;
  const message = `the file holds more than ${max} values, which would take too much memory`;
  const hint = format === 'json' ? 'split it into several' : 'split it into several, or write it as JSON';
  return { ...wholeFileProblem(source.file, message, hint) };
}

/** Values and keys: one before each comma, colon and closing bracket, and the lists and mappings themselves. */
function jsonExceeds(text: string, max: number): boolean {
  let nodes = 1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COMMA || code === COLON || code === OPEN_LIST || code === OPEN_MAP) {
      nodes += 1;
      if (nodes > max) return true;
    }
  }
  return false;
}

/** The offset of the quotation mark that closes a string, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) i++;
  }
  return text.length;
}

/** An estimate: lines, and what separates values inside them. A text in quotes may count as several. */
function yamlExceeds(text: string, max: number): boolean {
  let nodes = 1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === NEWLINE || code === COMMA || code === COLON || code === OPEN_LIST || code === OPEN_MAP) {
      nodes += 1;
      if (nodes > max) return true;
    }
  }
  return false;
}
