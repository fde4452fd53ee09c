import type { Problem } from '../errors.ts';
import { isRelabelField, referenceIn, UNEXPANDED_HINT } from './document/expand-env.ts';
import { findPlace, type Path, type Place } from './document/path.ts';
import type { SourceText } from './document/source-text.ts';
import { TreeMap, type TreeNode, TreeScalar } from './document/tree.ts';

export interface Finding {
  readonly message: string;
  readonly hint?: string | undefined;
  /** What to point at: the value unless said otherwise, its own key, or a key inside of it. */
  readonly at?: 'key' | { readonly innerKey: string } | undefined;
}

/** Collects what is wrong or odd about one file, at the places where its author wrote it. */
export class Findings {
  readonly #source: SourceText;
  readonly #root: TreeNode | undefined;
  readonly #isExpanded: boolean;
  readonly #errors: Problem[] = [];
  readonly #warnings: Problem[] = [];
  /** What was said of each place. Jobs that share a mapping through an alias share its faults. */
  readonly #said = new Set<string>();

  /** `isExpanded` false: `${NAME}` in a value stands for itself, and may be what is wrong with it. */
  constructor(source: SourceText, root: TreeNode | undefined, { isExpanded = true } = {}) {
    this.#source = source;
    this.#root = root;
    this.#isExpanded = isExpanded;
  }

  /** In the order of the file. */
  get errors(): readonly Problem[] {
    return inFileOrder(this.#errors);
  }

  get warnings(): readonly Problem[] {
    return inFileOrder(this.#warnings);
  }

  addError(path: Path, finding: Finding): void {
    const isUnexpanded = finding.at === undefined && this.#isUnexpanded(path);
    this.#push(this.#errors, this.problemAt(path, isUnexpanded ? { ...finding, hint: UNEXPANDED_HINT } : finding));
  }

  /** Whether a value names a variable that `--expand-env` would replace. */
  #isUnexpanded(path: Path): boolean {
    if (this.#isExpanded || isRelabelField(path)) return false;
    const { node } = this.placeOf(path);
    return node instanceof TreeScalar && referenceIn(node.text) !== undefined;
  }

  addWarning(path: Path, finding: Finding): void {
    this.#push(this.#warnings, this.problemAt(path, finding));
  }

  #push(problems: Problem[], problem: Problem): void {
    const { position, message, hint } = problem;
    const key = position && `${position.line}:${position.column}:${message}:${hint}`;
    if (key !== undefined && this.#said.has(key)) return;
    if (key !== undefined) this.#said.add(key);
    problems.push(problem);
  }

  /** For what was found before there were paths. */
  add(problems: readonly Problem[], warnings: readonly Problem[]): void {
    for (const problem of problems) this.#errors.push(problem);
    for (const warning of warnings) this.#warnings.push(warning);
  }

  placeOf(path: Path): Place {
    return findPlace(this.#root, path);
  }

  /** Counted from 1. */
  lineOf({ key, range }: Place): number | undefined {
    const start = (key?.range ?? range)?.start;
    return start === undefined ? undefined : this.#source.positionAt(start).line;
  }

  problemAt(path: Path, { message, hint, at }: Finding): Problem {
    const place = findPlace(this.#root, path);
    const keyed = typeof at === 'object' ? findPlace(this.#root, [...path, at.innerKey]) : place;
    const range = at === undefined ? place.range : (keyed.key?.range ?? place.range);
    return this.#source.problem(range, { path: place.written, message, hint });
  }
}

function inFileOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted(
    (a, b) =>
      (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0),
  );
}

/** Reports at one place of the file and below it. */
export class Reporter {
  readonly #findings: Findings;
  readonly #path: Path;

  constructor(findings: Findings, path: Path = []) {
    this.#findings = findings;
    this.#path = path;
  }

  at(...segments: Path): Reporter {
    return new Reporter(this.#findings, [...this.#path, ...segments]);
  }

  error(message: string, hint?: string, at?: Finding['at']): void {
    this.#findings.addError(this.#path, { message, hint, at });
  }

  warn(message: string, hint?: string, at?: Finding['at']): void {
    this.#findings.addWarning(this.#path, { message, hint, at });
  }

  /** A finding of this place that is not (yet) one of the file. */
  problem(message: string, hint?: string, at?: Finding['at']): Problem {
    return this.#findings.problemAt(this.#path, { message, hint, at });
  }

  /** Undefined where the file has no such key, or list item. */
  get node(): TreeNode | undefined {
    return this.#findings.placeOf(this.#path).node;
  }

  /** Whether there is a key for it in the file, however wrong its value. */
  get isWritten(): boolean {
    return this.node !== undefined;
  }

  /** The last key of the path, as its author spelled it. */
  get key(): string {
    return this.#findings.placeOf(this.#path).key?.text ?? String(this.#path.at(-1));
  }

  /** The keys of the mapping at this place, as spelled; none where there is no mapping. */
  get keys(): readonly string[] {
    const { node } = this;
    return node instanceof TreeMap ? node.entries.map(({ key }) => key.text) : [];
  }

  get line(): number | undefined {
    return this.#findings.lineOf(this.#findings.placeOf(this.#path));
  }
}
