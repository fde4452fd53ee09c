import type { ProfileError } from '../errors.ts';
import { BYTES_TAG, type MessageType, PROFILE, UNUSUAL_TAG } from './message-types.ts';
import { int64, malformed } from './profile-fault.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const MAX_FIELD_NUMBER = 2 ** 29 - 1;

/**
 * Reads one protobuf message field by field, in place. 64-bit numbers come as two signed 32-bit halves, which JavaScript
 * can calculate with exactly and without allocating. Every length is checked against the end of the message.
 *
 *     reader.enter(LOCATION, 3, start, end);
 *     while (reader.next()) {
 *       switch (reader.field) { ... reader.lo, reader.hi or reader.start, reader.stop ... }
 *     }
 */
export class WireReader {
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the message lies. */
  messageStart = 0;
  messageEnd = 0;
  /** The next byte to read. */
  pos = 0;
  /** Where the tag of the field that `next` stands on is, and its number. */
  tagAt = 0;
  field = 0;
  /** The halves of a varint field. */
  lo = 0;
  hi = 0;
  /** Where the content of a length-delimited field lies. */
  start = 0;
  stop = 0;
  /** True if a field that may be packed is: then `start` and `stop` are set, else `lo` and `hi`. */
  isPacked = false;

  #type: MessageType = PROFILE;
  #tags: Uint8Array = PROFILE.tags;
  #ordinal = -1;
  readonly #parent: WireReader | undefined;

  /** The parent stands on the field whose content this reader reads; it names the place in messages. */
  constructor(parent?: WireReader) {
    this.#parent = parent;
  }

  /** Starts on the message between two offsets, the `ordinal`th of its kind (-1 where there is one only). */
  enter(type: MessageType, ordinal: number, start: number, end: number): void {
    this.#type = type;
    this.#tags = type.tags;
    this.#ordinal = ordinal;
    this.messageStart = start;
    this.messageEnd = end;
    this.pos = start;
    this.field = 0;
  }

  /** Goes to the next known field; false at the end of the message. */
  next(): boolean {
    const end = this.messageEnd;
    while (this.pos < end) {
      const tagAt = this.pos;
      const tag = this.bytes[tagAt]!;
      this.tagAt = tagAt;
      let form = this.#tags[tag]!;
      if (form === UNUSUAL_TAG) {
        form = this.#readUnusualTag();
        if (form === UNUSUAL_TAG) continue;
      } else {
        this.field = tag >>> 3;
        this.pos = tagAt + 1;
      }
      this.readVarint(end);
      this.isPacked = form === BYTES_TAG;
      if (this.isPacked) this.#takeLength();
      return true;
    }
    return false;
  }

  /** Reads one varint that must end before `end` into `lo` and `hi`. */
  readVarint(end: number): void {
    const pos = this.pos;
    const byte = this.bytes[pos]!;
    if (byte < 0x80 && pos < end) {
      this.pos = pos + 1;
      this.lo = byte;
      this.hi = 0;
    } else {
      this.#readLongVarint(end);
    }
  }

  /** The varint field as an index into the string table of `count` entries. */
  index(count: number): number {
    const { lo, hi } = this;
    if (hi !== 0 || lo < 0) throw this.fault(`is ${int64(lo, hi)}, not an index into the string table`);
    if (lo >= count) throw this.fault(`is string ${lo}, the string table has ${count}`);
    return lo;
  }

  /** A fault of the field that the reader stands on. */
  fault(message: string, offset: number = this.tagAt): ProfileError {
    return malformed(`${this.path()} ${message}`, offset);
  }

  /** A fault of the whole message. */
  messageFault(message: string): ProfileError {
    this.field = 0;
    return this.fault(message, this.messageStart);
  }

  /** `location[3].line[0].function_id` */
  path(): string {
    const message = this.#messagePath();
    if (this.field === 0) return message === '' ? 'profile' : message;
    const name = this.#type.fields[this.field]?.name ?? `field ${this.field}`;
    return message === '' ? name : `${message}.${name}`;
  }

  #messagePath(): string {
    if (this.#type === PROFILE) return '';
    const outer = this.#parent === undefined ? '' : this.#parent.#messagePath();
    const own = this.#ordinal < 0 ? this.#type.name : `${this.#type.name}[${this.#ordinal}]`;
    return outer === '' ? own : `${outer}.${own}`;
  }

  #readLongVarint(end: number): void {
    const bytes = this.bytes;
    let pos = this.pos;
    let byte = 0x80;
    let lo = 0;
    let hi = 0;
    for (let shift = 0; shift < 28 && byte >= 0x80 && pos < end; shift += 7) {
      byte = bytes[pos++]!;
      lo |= (byte & 0x7f) << shift;
    }
    if (byte >= 0x80 && pos < end) {
      // The fifth byte lies across the halves: bits 28 to 34.
      byte = bytes[pos++]!;
      lo |= (byte & 0x0f) << 28;
      hi = (byte & 0x7f) >>> 4;
      for (let shift = 3; shift < 32 && byte >= 0x80 && pos < end; shift += 7) {
        byte = bytes[pos++]!;
        // Of the tenth byte the lowest bit counts, as in Google's reader.
        if (shift === 31 && byte >= 0x80) throw this.fault('is a varint over 10 bytes', this.pos);
        hi |= (byte & 0x7f) << shift;
      }
    }
    if (byte >= 0x80) throw this.fault('ends inside a varint', this.pos);
    this.pos = pos;
    this.lo = lo;
    this.hi = hi;
  }

  #takeLength(): void {
    const left = this.messageEnd - this.pos;
    if (this.hi !== 0 || this.lo < 0 || this.lo > left) {
      throw this.fault(`claims more bytes than the ${left} that are left`);
    }
    this.start = this.pos;
    this.stop = this.pos + this.lo;
    this.pos = this.stop;
  }

  /**
   * Reads a tag that isn't in the table. Numbers that no field can have (0, and those above 2^29 - 1) are unknown ones like
   * others, as in Google's reader. Gives its form if it is that of a known field after all, written with more bytes
   * than it needs; skips an unknown field and gives UNUSUAL_TAG; throws for anything else.
   */
  #readUnusualTag(): number {
    this.field = 0;
    this.readVarint(this.messageEnd);
    const tag = this.lo;
    const isLarge = this.hi !== 0;
    this.field = isLarge ? MAX_FIELD_NUMBER : tag >>> 3;
    if (isLarge || this.#type.fields[this.field] === undefined) {
      this.#skip(tag & 7);
      return UNUSUAL_TAG;
    }
    const form = this.#tags[tag]!;
    if (form === UNUSUAL_TAG) throw this.fault(`has wire type ${tag & 7}`);
    return form;
  }

  #skip(wireType: number): void {
    switch (wireType) {
      case VARINT:
        this.readVarint(this.messageEnd);
        return;
      case BYTES:
        this.readVarint(this.messageEnd);
        this.#takeLength();
        return;
      case FIXED64:
      case FIXED32: {
        const size = wireType === FIXED64 ? 8 : 4;
        if (this.messageEnd - this.pos < size) throw this.fault('is cut off');
        this.pos += size;
        return;
      }
      default:
        throw this.fault(`has wire type ${wireType}, which pprof doesn't use`);
    }
  }
}
