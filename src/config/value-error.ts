import { PyroPullError } from '../errors.ts';

/**
 * A text that cannot be read as the value it should be: a duration, a byte size. It has no stack trace: it is about the text
 * and not about the program, a file can hold very many, and the trace takes longer to make than all the rest.
 */
export class ValueError extends PyroPullError {
  constructor(message: string, hint?: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super('VALUE', message, { hint });
    Error.stackTraceLimit = stackTraceLimit;
  }
}
