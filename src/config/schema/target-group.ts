import type * as z from 'zod/mini';
import { withoutEmpty } from '../../labels/label-set.ts';
import type { StaticGroup } from '../discovery-config.ts';
import { quote, type TreeScalar } from '../document/tree.ts';
import { ValueError } from '../value-error.ts';
import { nonEmptyText, scalar, textOf } from './scalars.ts';
import { labels, mapping, texts } from './structures.ts';

/** One entry of `static-configs` and of target files: the union of what Pyroscope and Prometheus take. */
export const targetGroup = mapping(() => ({
  targets: texts(checkAddress),
  labels: labels(),
  application: application(),
  'spy-name': nonEmptyText(),
}));

export type WrittenGroup = z.output<typeof targetGroup>;

/** `6060` would be a host of that name. */
function checkAddress(address: string, { style }: TreeScalar): void {
  if (style !== 'plain' || !/^\d+$/.test(address)) return;
  throw new ValueError(`${quote(address)} is a bare number, not host:port`, `as in localhost:${address}`);
}

function application() {
  return scalar('an application name', (node) => {
    const name = textOf(node);
    if (name === '') throw new ValueError('the application name is empty', 'give it a value or remove the key');
    const refused = /[^A-Za-z0-9_.-]/u.exec(name)?.[0];
    if (refused === undefined) return name;
    throw new ValueError(
      `${quote(name)} is not an application name: ${quote(refused)} is not allowed`,
      'use letters, digits, "_", "." and "-"',
    );
  });
}

export function groupFrom(written: WrittenGroup): StaticGroup {
  return {
    targets: written.targets ?? [],
    labels: withoutEmpty(written.labels ?? []),
    application: written.application,
    spyName: written['spy-name'],
  };
}
