/**
 * Reads varints of up to nine bytes that are known to lie within the profile. Unlike WireReader it checks nothing and names
 * no fault: the fast readers use it, and leave whatever it gives up on to a careful one.
 */
export class ShortVarint {
  /** The halves of the number. */
  lo = 0;
  hi = 0;

  /** Where the number that starts at `start` ends, or -1 if it has more than nine bytes. */
  read(bytes: Uint8Array, start: number): number {
    let pos = start;
    let byte = bytes[pos++]!;
    let lo = byte & 0x7f;
    let hi = 0;
    if (byte >= 0x80) {
      byte = bytes[pos++]!;
      lo |= (byte & 0x7f) << 7;
      if (byte >= 0x80) {
        byte = bytes[pos++]!;
        lo |= (byte & 0x7f) << 14;
        if (byte >= 0x80) {
          byte = bytes[pos++]!;
          lo |= (byte & 0x7f) << 21;
          if (byte >= 0x80) {
            // The fifth byte lies across the halves: bits 28 to 34.
            byte = bytes[pos++]!;
            lo |= byte << 28;
            hi = (byte & 0x7f) >>> 4;
            for (let shift = 3; byte >= 0x80; shift += 7) {
              if (shift > 24) return -1;
              byte = bytes[pos++]!;
              hi |= (byte & 0x7f) << shift;
            }
          }
        }
      }
    }
    this.lo = lo;
    this.hi = hi;
    return pos;
  }
  /** Where the number that starts at `start` ends, as above. */
  skip(bytes: Uint8Array, start: number): number {
    if (bytes[start]! < 0x80) return start + 1;
    if (bytes[start + 1]! < 0x80) return start + 2;
    return this.read(bytes, start);
  }
}
