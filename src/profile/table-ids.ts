import type { IdTable } from './id-table.ts';
import type { Int32List } from './int32-list.ts';
import type { MessageType } from './message-types.ts';
import { uint64Text } from './profile-fault.ts';
import type { WireReader } from './wire-reader.ts';

/** Makes the ids of a table ready for look-ups. Throws ProfileError if two entries have the same. */
export function refuseRepeatedId(type: MessageType, ids: IdTable, ranges: Int32List, reader: WireReader): void {
  const repeated = ids.seal();
  if (repeated < 0) return;
  reader.enter(type, repeated, ranges.data[repeated * 2]!, ranges.data[repeated * 2 + 1]!);
  while (reader.next() && reader.field !== 1);
  throw reader.fault(`is ${uint64Text(reader.lo, reader.hi)}, as that of an earlier ${type.name}`);
}
