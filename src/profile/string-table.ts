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

  get length(): number {
    return this.#ranges.length >>> 1;
  }

  clear(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#decoder = undefined;
    this.#ranges.clear();
    this.#uncheckedFrom = -1;
    this.#uncheckedTo = -1;
    this.#firstUnchecked = 0;
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
   * Takes the next string. Whether it is UTF-8 is checked for whole stretches of strings: between two strings of up to 127
   * bytes that follow each other stand a tag and a length, both ASCII, so the stretch is UTF-8 exactly if each string is.
   */
  push(start: number, end: number, limits: ProfileLimits): void {
    if (this.length === limits.maxStrings) throw overLimit(`more than ${limits.maxStrings} strings`);
    if (end - start > limits.maxStringBytes) {
      throw overLimit(`string_table[${this.length}] has ${end - start} bytes, more than ${limits.maxStringBytes}`);
    }
    const follows = this.#uncheckedTo + TAG_BYTES + LENGTH_BYTES === start && end - start < 0x80;
    if (!follows) {
      this.#check();
      this.#uncheckedFrom = start;
    }
    this.#ranges.push2(start, end);
    this.#uncheckedTo = end;
  }

  /** To be called after the last string. A profile without a string table has string 0 all the same. */
  seal(): void {
    this.#check();
    if (this.length === 0) {
      this.#ranges.push2(0, 0);
    }
    if (this.end(0) !== this.start(0)) {
      throw malformed('string_table[0] is not empty', this.start(0));
    }
  }

  #check(): void {
    const from = this.#uncheckedFrom;
    if (from >= 0 && !isUtf8(this.#bytes.subarray(from, this.#uncheckedTo))) {
      for (let index = this.#firstUnchecked; index < this.length; index++) {
        if (!isUtf8(this.#bytes.subarray(this.start(index), this.end(index)))) {
          throw malformed(`string_table[${index}] is not valid UTF-8`, this.start(index));
        }
      }
    }
    this.#firstUnchecked = this.length;
  }
}
