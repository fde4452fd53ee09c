import * as z from 'zod/mini';
import type { DiscoveryConfig } from '../discovery-config.ts';
import type { Reporter } from '../findings.ts';
import type { NormalizeContext } from '../schema/context.ts';
import { list } from '../schema/structures.ts';

/** Gives the configs that the items of one block mean, and reports what is wrong with them. */
export type NormalizeBlock = (report: Reporter, context: NormalizeContext) => readonly DiscoveryConfig[];

/** One item of a block as written, and the place of it. */
export type NormalizeItem<W> = (written: W, report: Reporter, context: NormalizeContext) => DiscoveryConfig | undefined;

/**
 * The schema of one discovery key of a job: a list of items, each a source of its own. What was written becomes a config
 * only later, when the whole file has been read; until then the schema's result is the function that does it.
 */
export function discoveryBlock<T extends z.core.SomeType>(item: T, normalize: NormalizeItem<z.output<T>>) {
  return z.pipe(
    list(item),
    z.transform((items): NormalizeBlock => {
      return (report, context) =>
        items.flatMap((written, index) => {
          const config = written === undefined ? undefined : normalize(written, report.at(index), context);
          return config === undefined ? [] : [config];
        });
    }),
  );
}
