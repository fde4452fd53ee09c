import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { DiscoveryUpdate } from '../../src/discovery/discoverer.ts';
import type { TargetGroup } from '../../src/discovery/target-group.ts';

/** A map as YAML gives it. */
export type Fields = Readonly<Record<string, unknown>>;

/** The rows of a table in fixtures/discovery. */
export function readVectors(file: string): readonly Fields[] {
  const rows: unknown = parse(readFileSync(new URL(`../../fixtures/discovery/${file}`, import.meta.url), 'utf8'));
  return listOf(rows).map(fieldsOf);
}

export function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`not a map: ${value}`);
  return Object.fromEntries(Object.entries(value));
}

export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`not a list: ${value}`);
  return value;
}

/** JSON merge patch (RFC 7396): maps merge, lists are replaced whole, null removes. */
export function mergePatch(base: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = isMap(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Labels of a table with their full names: `@` is the address, all others get the prefix unless they have one. */
export function labelsOf(written: unknown, prefix: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(fieldsOf(written))) {
    const name = key === '@' ? '__address__' : key === 'instance' || key.startsWith('__') ? key : prefix + key;
    if (typeof value !== 'string') throw new Error(`label ${key} is not a string: ${value}`);
    labels[name] = value;
  }
  return labels;
}

/** A group as plain objects, which print well where they differ. */
export function plainGroup({ source, labels, targets }: TargetGroup) {
  return { source, labels: Object.fromEntries(labels), targets: targets.map((target) => Object.fromEntries(target)) };
}

export function addressesIn({ groups }: DiscoveryUpdate): string[] {
  return groups.flatMap(({ targets }) => targets.map((target) => target.get('__address__') ?? ''));
}
