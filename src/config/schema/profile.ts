import * as z from 'zod/mini';
import { quote, TreeScalar } from '../document/tree.ts';
import { ValueError } from '../value-error.ts';
import { relabelRule } from './relabel.ts';
import { boolean, scalar, text, textOf, word } from './scalars.ts';
import { list, mapOf, mapping, oneOf, texts } from './structures.ts';

/** Query parameters: names are the user's, values always lists. */
export const queryParams = mapOf(texts());

/** The user took this sample type away, with null or false. */
export const REMOVED = 'removed';

const sampleType = mapping(() => ({
  units: text(),
  'display-name': text(),
  // Documentation of the old server says avg, its code knew average alone.
  aggregation: word(['sum', 'average', 'avg']),
  cumulative: boolean(),
  sampled: boolean(),
}));

export type WrittenSampleType = z.output<typeof sampleType> | typeof REMOVED;

const removed = z.transform((): WrittenSampleType => REMOVED);

const removableSampleType = oneOf<WrittenSampleType>((node) =>
  node instanceof TreeScalar && (node.isNull || /^(false|no|off)$/i.test(node.text)) ? removed : sampleType,
);

export const profile = mapping(() => ({
  path: profilePath(),
  params: queryParams,
  format: word(['pprof', 'text']),
  'sample-types': mapOf(removableSampleType),
  'all-sample-types': boolean(),
  'relabel-configs': list(relabelRule),
}));

export type WrittenProfile = z.output<typeof profile>;

export const profiles = mapOf(profile, checkProfileName);

export type WrittenProfiles = z.output<typeof profiles>;

/** It becomes part of label names such as `__profile_<name>_enabled`. */
export function checkProfileName(name: string): void {
  if (/^[a-zA-Z_]\w*$/.test(name)) return;
  const mended = name.replace(/\W/g, '_').replace(/^(?=\d)/, '_');
  const hint = mended === '' ? 'use' : `write ${mended}: profile names have`;
  throw new ValueError(
    `${quote(name)} is not a profile name`,
    `${hint} letters, digits and _ only, and no digit first`,
  );
}

/** With a slash in front. */
function profilePath() {
  return scalar('a URL path', (node) => {
    const path = textOf(node);
    if (path === '') throw new ValueError('the path is empty', 'as in /debug/pprof/heap');
    if (/^https?:\/\//i.test(path)) {
      throw new ValueError(`${quote(path)} is a URL, not a path`, 'host and port belong under targets');
    }
    const mark = /[?#]/.exec(path)?.[0];
    if (mark !== undefined)
      throw new ValueError(`${quote(path)}: a path can't have "${mark}"`, 'put parameters under params');
    if (/\s/.test(path)) throw new ValueError(`${quote(path)}: a path can't have white space`, 'write %20 for a space');
    return path.startsWith('/') ? path : `/${path}`;
  });
}
