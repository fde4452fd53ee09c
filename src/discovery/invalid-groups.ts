import type { ConfigError, Problem } from '../errors.ts';

/** The first problem of a list of target groups stands for all, as one line in a log. */
export function firstProblem(error: ConfigError): { readonly message: string; readonly hint: string | undefined } {
  const [first] = error.problems;
  const rest = error.problems.length - 1;
  const more = rest > 0 ? ` (and ${rest} more problem${rest === 1 ? '' : 's'})` : '';
  return { message: first === undefined ? error.message : problemLine(first) + more, hint: first?.hint };
}

/** `targets.yml:3:5: [0].labels: …` */
export function problemLine({ file, position, path, message }: Problem): string {
  const place = position === undefined ? file : `${file}:${position.line}:${position.column}`;
  return [place, path, message].filter((part) => part !== '').join(': ');
}
