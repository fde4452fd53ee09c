import { RE2JS, RE2JSException } from 're2js';

/**
 * A regular expression of Go's RE2 syntax that matches whole strings, where `.` matches a line break too. Matching takes
 * time linear in the text whatever the pattern.
 */
export interface LabelPattern {
  /** As the user wrote it. */
  readonly source: string;
  /** Groups of the pattern, the whole match not counted. */
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
  matches(text: string): boolean;
  /** The whole match and its groups (empty where a group took no part), or undefined. */
  match(text: string): readonly string[] | undefined;
}

export const DEFAULT_PATTERN_SOURCE = '(.*)';

/** The sentence that says what is wrong with a pattern, with the user's own text. */
export class PatternError extends Error {}

const MAX_PATTERN_BYTES = 64 * 1024;

/** Configs repeat the same few patterns over their jobs; the bound is for loops that reload for months. */
const MAX_CACHED_PATTERNS = 1000;
const cache = new Map<string, LabelPattern>();

/** Throws a `PatternError` for what RE2 does not take. */
export function compilePattern(source: string): LabelPattern {
  const cached = cache.get(source);
  if (cached !== undefined) return cached;
  if (Buffer.byteLength(source) > MAX_PATTERN_BYTES) throw new PatternError('the pattern is longer than 64 KiB');
  const pattern = anyText(source) ?? literals(source) ?? new Re2Pattern(source);
  if (cache.size >= MAX_CACHED_PATTERNS) cache.clear();
  cache.set(source, pattern);
  return pattern;
}

const NO_NAMES: ReadonlyMap<string, number> = new Map();

/** The default pattern, which most rules have, needs no engine. */
function anyText(source: string): LabelPattern | undefined {
  if (source !== DEFAULT_PATTERN_SOURCE) return undefined;
  return { source, groupCount: 1, groupNames: NO_NAMES, matches: () => true, match: (text) => [text, text] };
}

/** `true`, `Pending|Failed`: without a character that means something to RE2, matching the whole text is equality. */
function literals(source: string): LabelPattern | undefined {
  if (/[\\.+*?()[\]{}^$]/.test(source)) return undefined;
  const texts = new Set(source.split('|'));
  return {
    source,
    groupCount: 0,
    groupNames: NO_NAMES,
    matches: (text) => texts.has(text),
    match: (text) => (texts.has(text) ? [text] : undefined),
  };
}

/**
 * Answers are remembered, because label names and most values are the same on thousands of targets and the engine takes
 * microseconds for each. Long texts are not, to bound memory.
 */
const MAX_REMEMBERED = 2048;
const MAX_REMEMBERED_LENGTH = 256;

class Re2Pattern implements LabelPattern {
  readonly source: string;
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
  readonly #re2: RE2JS;
  readonly #verdicts = new Map<string, boolean>();
  readonly #matches = new Map<string, readonly string[] | undefined>();

  constructor(source: string) {
    this.source = source;
    this.#re2 = compileRe2(source);
    this.groupCount = this.#re2.groupCount();
    this.groupNames = new Map(Object.entries(this.#re2.namedGroups()));
  }

  matches(text: string): boolean {
    const known = this.#verdicts.get(text);
    if (known !== undefined) return known;
    const verdict = this.#re2.testExact(text);
    remember(this.#verdicts, text, verdict);
    return verdict;
  }

  match(text: string): readonly string[] | undefined {
    const known = this.#matches.get(text);
    if (known !== undefined || this.#matches.has(text)) return known;
    const groups = this.#run(text);
    remember(this.#matches, text, groups);
    return groups;
  }

  #run(text: string): readonly string[] | undefined {
    const matcher = this.#re2.matcher(text);
    if (!matcher.matches()) return undefined;
    return Array.from({ length: this.groupCount + 1 }, (_, group) => matcher.group(group) ?? '');
  }
}

function remember<T>(answers: Map<string, T>, text: string, answer: T): void {
  if (text.length > MAX_REMEMBERED_LENGTH) return;
  if (answers.size >= MAX_REMEMBERED) answers.clear();
  answers.set(text, answer);
}

/** The engine anchors at both ends by itself, so `a)|(b` has no wrapper to break out of. */
function compileRe2(source: string): RE2JS {
  try {
    return RE2JS.compile(source, RE2JS.DOTALL);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new PatternError(describe(source), { cause: error });
  }
}

/** Compiled once more without the flag, which the engine would show as part of the user's text. */
function describe(source: string): string {
  try {
    RE2JS.compile(source);
  } catch (error) {
    if (error instanceof RE2JSException) return error.message.replace(/^error parsing regexp: /, '');
  }
  return 'the pattern is too large';
}
