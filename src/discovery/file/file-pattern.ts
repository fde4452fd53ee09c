import { readdir, stat } from 'node:fs/promises';
import { DiscoveryError } from '../../errors.ts';
import { unreadable } from './unreadable.ts';

/** What one entry of `files` stands for now. */
export type FileListing =
  | { readonly type: 'found'; readonly paths: readonly string[] }
  /** A plain file or a directory that is not there. */
  | { readonly type: 'missing'; readonly message: string }
  /** Nothing can be said about which files there are. */
  | { readonly type: 'broken'; readonly error: DiscoveryError };

/** The part of a path before its last slash, and the slash; empty for the working directory. */
export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/**
 * The paths that match, sorted. The last segment is a pattern with the rules of Go's `filepath.Match`: `*` (which takes a
 * leading dot too), `?`, `[a-z]`, `[^a]`, and `\` before a character that is meant itself. That no file matches is fine.
 */
export async function listFiles(file: string): Promise<FileListing> {
  const directory = directoryOf(file);
  const name = file.slice(directory.length);
  try {
    if (!/[*?[\\]/.test(name)) {
      return (await exists(file))
        ? { type: 'found', paths: [file] }
        : { type: 'missing', message: `there is no file ${file}` };
    }
    const matches = compileName(name, file);
    const names = await readdir(directory === '' ? '.' : directory);
    return {
      type: 'found',
      paths: names
        .filter(matches)
        .map((found) => directory + found)
        .sort(),
    };
  } catch (error) {
    if (error instanceof DiscoveryError) return { type: 'broken', error };
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ENOENT') return { type: 'missing', message: `there is no directory ${directory}` };
    return { type: 'broken', error: unreadable(directory, error) };
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // Anything else, such as a missing right, is told when the file is read.
    return !(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'));
  }
}

/** Matches one code point; undefined stands for a star. */
type Token = ((char: string) => boolean) | undefined;

function compileName(name: string, pattern: string): (name: string) => boolean {
  const tokens = tokensOf([...name], pattern);
  return (candidate) => matchTokens(tokens, [...candidate]);
}

function tokensOf(chars: readonly string[], pattern: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  /** The next character, which a backslash may stand before. */
  const literal = (): string => {
    if (chars[at] === '\\') at += 1;
    const char = chars[at];
    if (char === undefined) throw badPattern(pattern);
    at += 1;
    return char;
  };
  const charClass = (): Token => {
    at += 1;
    const isNegated = chars[at] === '^';
    if (isNegated) at += 1;
    const ranges: [from: string, to: string][] = [];
    while (chars[at] !== ']' || ranges.length === 0) {
      if (chars[at] === '-' || chars[at] === ']') throw badPattern(pattern);
      const from = literal();
      if (chars[at] === '-') {
        at += 1;
        if (chars[at] === '-' || chars[at] === ']') throw badPattern(pattern);
        ranges.push([from, literal()]);
      } else ranges.push([from, from]);
    }
    at += 1;
    return (char) =>
      ranges.some(([from, to]) => codeOf(from) <= codeOf(char) && codeOf(char) <= codeOf(to)) !== isNegated;
  };
  while (at < chars.length) {
    const char = chars[at];
    if (char === '[') tokens.push(charClass());
    else if (char === '*' || char === '?') {
      tokens.push(char === '*' ? undefined : () => true);
      at += 1;
    } else {
      const expected = literal();
      tokens.push((candidate) => candidate === expected);
    }
  }
  return tokens;
}

/** Going back to the last star only is enough, so the time is at most the product of the two lengths. */
function matchTokens(tokens: readonly Token[], chars: readonly string[]): boolean {
  let token = 0;
  let char = 0;
  let star = -1;
  let starChar = 0;
  while (char < chars.length) {
    const test = tokens[token];
    if (token < tokens.length && test === undefined) {
      star = token;
      starChar = char;
      token += 1;
    } else if (test?.(chars[char] ?? '') === true) {
      token += 1;
      char += 1;
    } else if (star >= 0) {
      starChar += 1;
      char = starChar;
      token = star + 1;
    } else return false;
  }
  while (token < tokens.length && tokens[token] === undefined) token += 1;
  return token === tokens.length;
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}

function badPattern(pattern: string): DiscoveryError {
  return new DiscoveryError('SD_FILE_PATTERN', `"${pattern}" is not a valid file pattern`, {
    hint: 'close each [ with ], and write \\[ for the character itself',
  });
}
