import { isUtf8 } from 'node:buffer';
import { Int32List } from './int32-list.ts';
import type { ProfileLimits } from './limits.ts';
import { malformed, overLimit } from './profile-fault.ts';

const TAG_BYTES = 1;
const LENGTH_BYTES = 1;

/** The strings of a profile, by where they lie. They become JavaScript strings only where somebody asks for one. */
export class StringTable {
  #bytes: Uint8Array = new Uint8Array(0);
  /** The same bytes as what can turn them into text, once somebody asks. */
  #decoder: Buffer | undefined;
  /** Start and end of each. */
  readonly #ranges = new Int32List();
  /** Start of the stretch of strings that hasn't been checked yet; -1 for none. */
  #uncheckedFrom = -1;
  #uncheckedTo = -1;
  #firstUnchecked = 0;
  #notUtf8 = 0;

  get length(): number {
    return this.#ranges.length >>> 1;
  }

  /**
   * Strings that are not UTF-8, though protobuf asks for it. Names that a program reads from elsewhere (the symbols of a
   * library, a label) may have any bytes, and Google's reader takes them. Known once the table is sealed.
   */
  get notUtf8(): number {
    return this.#notUtf8;
  }

  clear(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#decoder = undefined;
    this.#ranges.clear();
    this.#uncheckedFrom = -1;
    this.#uncheckedTo = -1;
    this.#firstUnchecked = 0;
    this.#notUtf8 = 0;
  }

  /** Makes room for so many strings. */
  reserve(count: number): void {
    this.#ranges.reserve(count * 2);
  }

  start(index: number): number {
    return this.#ranges.data[index * 2]!;
  }

  end(index: number): number {
    return this.#ranges.data[index * 2 + 1]!;
  }

  text(index: number): string {
    const { buffer, byteOffset, length } = this.#bytes;
    this.#decoder ??= Buffer.from(buffer, byteOffset, length);
    return this.#decoder.toString('utf8', this.start(index), this.end(index));
  }

  /**
   * Takes the next string. Whether it is UTF-8 is found out for whole stretches of strings: between two strings of up to 127
   * bytes that follow each other stand a tag and a length, both ASCII, so the stretch is UTF-8 exactly if each string is.
   */
  push(start: number, end: number, limits: ProfileLimits): void {
    if (this.length === limits.maxStrings) throw overLimit(`more than ${limits.maxStrings} strings`);
    const follows = this.#uncheckedTo + TAG_BYTES + LENGTH_BYTES === start && end - start < 0x80;
    if (!follows) {
      this.#check();
      this.#uncheckedFrom = start;
    }
    this.#ranges.push2(start, end);
    this.#uncheckedTo = end;
  }

  /**
   * To be called after the last string. Throws ProfileError where there is none, as Google's reader does: a profile names at
   * least string 0, be it as what it has no name for.
   */
  seal(): void {
    this.#check();
    if (this.length === 0) throw malformed('it has no string_table', 0);
    if (this.end(0) !== this.start(0)) {
      throw malformed('string_table[0] is not empty', this.start(0));
    }
  }

  #check(): void {
    const from = this.#uncheckedFrom;
    if (from >= 0 && !isUtf8(this.#bytes.subarray(from, this.#uncheckedTo))) {
      for (let index = this.#firstUnchecked; index < this.length; index++) {
        if (!isUtf8(this.#bytes.subarray(this.start(index), this.end(index)))) {
          this.#notUtf8++;
        }
      }
    }
    this.#firstUnchecked = this.length;
  }
}
