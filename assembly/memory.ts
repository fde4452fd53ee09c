// The memory of the module: below __heap_base what is there for good, above it what is taken for the profile at hand.

let top: usize = __heap_base;

/** Forgets all that was taken. */
export function begin(): void {
  top = __heap_base;
}

/** A place for so many bytes, aligned to 8, without a promise about its content; 0 where there is no more memory to be had. */
export function take(size: usize): usize {
  const start = (top + 7) & ~7;
  const end = start + size;
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
