import { SinkError } from '../../errors.ts';
import { systemFault } from '../../system-fault.ts';

/** What the system said about a path that we write, as a sentence. */
export function writeError(path: string, error: unknown): SinkError {
  if (error instanceof SinkError) return error;
  const { code, words, hint } = systemFault(error);
  return new SinkError(code, `cannot write ${path}: ${words}`, { hint, cause: error });
}
