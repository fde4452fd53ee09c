import { gzipSync } from 'node:zlib';

/**
 * A profile as it goes to a file or server. Level 1: level 6 costs more than twice the time for a few percent of bytes;
 * memLevel 9 and one chunk instead of many save a tenth of it. In place, because for the size of a usual profile the way
 * to another thread costs more than the work.
 */
export function compressProfile(pprof: Uint8Array): Uint8Array {
  return gzipSync(pprof, { level: 1, memLevel: 9, chunkSize: 1024 + (pprof.length >>> 1) });
}
