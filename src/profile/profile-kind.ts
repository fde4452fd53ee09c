/**
 * What the values of a profile stand for, as the index of a directory says it:
 * `delta`: what happened between two moments; `window`: what was measured while the request waited; `state`: what there
 * was at one moment; `cumulative`: counts since the process started; `text`: no pprof but a dump as text.
 */
export type ProfileKind = (typeof PROFILE_KINDS)[number];

export const PROFILE_KINDS = ['delta', 'window', 'state', 'cumulative', 'text'] as const;
