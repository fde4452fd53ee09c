import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 put off optimizing WebAssembly, for a command that is over soon: its optimizing compiler takes more CPU time than
 * the engine does for two profiles of 10,000 samples. The budget (about bytes of code run, for each function) is used up
 * by some hundred times as many, and then it optimizes after all.
 */
export function expectBriefRun(): void {
  setFlagsFromString('--wasm-tiering-budget=50000000');
}
