import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { deltaFiles } from '../../delta/file-delta.ts';
import { PyroPullError, SinkError, UsageError } from '../../errors.ts';
import { writeFileWhole } from '../../sinks/file/write-file.ts';
import { EXIT_FAILED, EXIT_OK } from '../exit-code.ts';
import { type Io, paintFor } from '../io.ts';
import { count, formatBytes } from '../render/units.ts';

export interface DeltaOptions {
  readonly before: string;
  readonly after: string;
  readonly output: string;
  readonly json: boolean;
}
