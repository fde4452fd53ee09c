import type { Layout } from './build-profile.ts';

/** Everything that may differ in the bytes of one and the same snapshot, at once and in turn. */
export const LAYOUTS: readonly Partial<Layout>[] = [
  {},
  { order: 'google', packing: 'packed', explicitZeros: true },
  { order: 'reversed', packing: 'unpacked', ids: 'shuffled', strings: 'shuffled', permuteLabels: true },
  { order: 'shuffled', packing: 'mixed', ids: 'sparse', strings: 'shuffled', unknownFields: true },
  { order: 'shuffled', packing: 'mixed', ids: 'wide', padding: 1, unknownFields: true, explicitZeros: true },
];
