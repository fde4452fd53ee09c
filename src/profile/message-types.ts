/** How a field may stand on the wire. */
export type FieldKind = 'varint' | 'bytes' | 'repeated-varint';

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
}

/** What a tag of one byte announces, for a look-up instead of a decision. */
export const UNUSUAL_TAG = 0;
export const VARINT_TAG = 1;
export const BYTES_TAG = 2;

/** One message of profile.proto: its fields by number. Fields that aren't listed are unknown and skipped. */
export interface MessageType {
  readonly name: string;
  readonly fields: readonly (Field | undefined)[];
  /** For each tag of one byte VARINT_TAG or BYTES_TAG if it is that of a known field in a form that it may have. */
  readonly tags: Uint8Array;
}

function messageType(name: string, ...listed: readonly (readonly [name: string, kind: FieldKind])[]): MessageType {
  const fields = [undefined, ...listed.map(([fieldName, kind]) => ({ name: fieldName, kind }))];
  const tags = new Uint8Array(256);
  fields.forEach((field, number) => {
    if (field === undefined) return;
    if (field.kind !== 'bytes') tags[number << 3] = VARINT_TAG;
    if (field.kind !== 'varint') tags[(number << 3) | 2] = BYTES_TAG;
  });
  return { name, fields, tags };
}

// https://github.com/google/pprof/blob/main/proto/profile.proto; the position in the list is the field's number.
export const PROFILE = messageType(
  'profile',
  ['sample_type', 'bytes'],
  ['sample', 'bytes'],
  ['mapping', 'bytes'],
  ['location', 'bytes'],
  ['function', 'bytes'],
  ['string_table', 'bytes'],
  ['drop_frames', 'varint'],
  ['keep_frames', 'varint'],
  ['time_nanos', 'varint'],
  ['duration_nanos', 'varint'],
  ['period_type', 'bytes'],
  ['period', 'varint'],
  ['comment', 'repeated-varint'],
  ['default_sample_type', 'varint'],
  ['doc_url', 'varint'],
);
export const SAMPLE_TYPE = messageType('sample_type', ['type', 'varint'], ['unit', 'varint']);
export const PERIOD_TYPE = messageType('period_type', ['type', 'varint'], ['unit', 'varint']);
export const SAMPLE = messageType(
  'sample',
  ['location_id', 'repeated-varint'],
  ['value', 'repeated-varint'],
  ['label', 'bytes'],
);
export const LABEL = messageType(
  'label',
  ['key', 'varint'],
  ['str', 'varint'],
  ['num', 'varint'],
  ['num_unit', 'varint'],
);
export const MAPPING = messageType(
  'mapping',
  ['id', 'varint'],
  ['memory_start', 'varint'],
  ['memory_limit', 'varint'],
  ['file_offset', 'varint'],
  ['filename', 'varint'],
  ['build_id', 'varint'],
  ['has_functions', 'varint'],
  ['has_filenames', 'varint'],
  ['has_line_numbers', 'varint'],
  ['has_inline_frames', 'varint'],
);
export const LOCATION = messageType(
  'location',
  ['id', 'varint'],
  ['mapping_id', 'varint'],
  ['address', 'varint'],
  ['line', 'bytes'],
  ['is_folded', 'varint'],
);
export const LINE = messageType('line', ['function_id', 'varint'], ['line', 'varint'], ['column', 'varint']);
export const FUNCTION = messageType(
  'function',
  ['id', 'varint'],
  ['name', 'varint'],
  ['system_name', 'varint'],
  ['filename', 'varint'],
  ['start_line', 'varint'],
);
