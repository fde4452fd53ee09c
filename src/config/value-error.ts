import { PyroPullError } from '../errors.ts';

/** A text that cannot be read as the value it should be: a duration, a byte size. */
export class ValueError extends PyroPullError {
  constructor(message: string, hint?: string) {
    super('VALUE', message, { hint });
  }
}
