// The memory of the module: below __heap_base what is there for good, above it what is taken for the profile at hand.

let top: usize = __heap_base;
/** No more is taken than up to here. */
let most: usize = 0;

/** Forgets all that was taken. From now on at most so many bytes are. */
export function begin(bytes: u32): void {
  top = __heap_base;
  most = __heap_base + bytes;
}

/** A place for so many bytes, aligned to 8, without a promise about its content; 0 where that is more than there may be. */
export function take(size: usize): usize {
  const start = (top + 7) & ~7;
  const end = start + size;
  if (end > most || end < start) return 0;
  const have = (<usize>memory.size()) << 16;
  if (end > have) {
    const pages = <i32>((end - have + 0xffff) >>> 16);
    if (memory.grow(pages) < 0) return 0;
  }
  top = end;
  return start;
}

/** Gives back all that was taken from here on. */
export function giveBack(start: usize): void {
  top = start;
}
