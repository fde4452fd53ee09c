import type { FileDiscoveryConfig } from '../discovery-config.ts';
import { quote } from '../document/tree.ts';
import type { Reporter } from '../findings.ts';
import { resolvePath } from '../schema/context.ts';
import { duration, POSITIVE_MS } from '../schema/scalars.ts';
import { mapping, texts } from '../schema/structures.ts';
import { ValueError } from '../value-error.ts';
import { discoveryBlock } from './block.ts';

/** Prometheus's rule, and with it its oddities: several `*` may stand in the last segment, `.Json` may not. */
const PATTERN = /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/;

const DEFAULT_REFRESH_MS = 5 * 60_000;

export const fileSdConfigs = discoveryBlock(
  mapping(() => ({ files: texts(checkPattern), 'refresh-interval': duration(POSITIVE_MS) })),
  (written, report, context): FileDiscoveryConfig => {
    const { files = [] } = written;
    checkFiles(files, report);
    return {
      mechanism: 'file',
      files: files.map((file) => resolvePath(file, context)),
      refreshIntervalMs: written['refresh-interval'] ?? DEFAULT_REFRESH_MS,
    };
  },
);

function checkPattern(pattern: string): void {
  if (PATTERN.test(pattern)) return;
  throw new ValueError(
    `${quote(pattern)} is not a file that discovery reads`,
    'the name ends in .json, .yml or .yaml, and "*" stands in its last part only',
  );
}

function checkFiles(files: readonly string[], report: Reporter): void {
  const isMissing = files.length === 0 && !report.at('files', 0).isWritten;
  if (isMissing) report.error('names no file', 'add files: ["targets/*.json"]');
}
