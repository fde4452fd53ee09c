// What the two sides tell each other through memory, beside the profile itself. src/wasm/exchange.ts has the same numbers.

/** Of an indexed profile; 32-bit words but for the last three, which are 64-bit numbers behind them. */
export const header: usize = memory.data(640, 8);

/** What to make a delta of. */
export const request: usize = memory.data(128, 8);

/** What came of it. */
export const result: usize = memory.data(64, 8);
