import { computeDelta, type Declinable, type DeltaDeclined, type DeltaResult } from './engine.ts';
import { type EngineRequest, engineDelta } from './engine-delta.ts';

type MakeRequest = Omit<EngineRequest, 'form'>;

/**
 * One step for a target, by the engine in WebAssembly where it can, else by the one in TypeScript: see `computeDelta`, of
 * which it has the errors, too. The profile that comes out is gzip'd by the former, uncompressed by the latter.
 */
export function makeDelta(request: MakeRequest): DeltaResult;
export function makeDelta(request: Declinable<MakeRequest>): DeltaResult | DeltaDeclined;
export function makeDelta(request: Declinable<MakeRequest>): DeltaResult | DeltaDeclined {
  const { content, spendsContent: _, limits = content.limits, ...rest } = request;
  return engineDelta({ ...request, form: 'gzip' }) ?? computeDelta({ ...rest, limits, profile: content.pprof });
}
