import * as z from 'zod/mini';

/** What a zod transform reports to. */
export type Context = z.core.ParsePayload;

/** What to do about a fault, and where it is: the path leads on from the node that is being read. */
export interface Mend {
  readonly hint?: string | undefined;
  readonly path?: readonly (string | number)[];
  readonly at?: 'key';
}

export function fault(context: Context, message: string, { hint, path = [], at }: Mend = {}): void {
  context.issues.push({ code: 'custom', message, input: context.value, path: [...path], params: { hint, at } });
}

/** What a transform gives after a fault; nobody sees it. */
export function refuse(context: Context, message: string, mend?: Mend): typeof z.NEVER {
  fault(context, message, mend);
  return z.NEVER;
}
