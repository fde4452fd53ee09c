import { readFile } from 'node:fs/promises';
import type { Problem } from '../errors.ts';
import { quote } from './document/tree.ts';
import type { ReferencedFile } from './parse-config.ts';

export interface ReferenceFindings {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Looks at the files that a config names. */
export async function checkReferences(references: readonly ReferencedFile[]): Promise<ReferenceFindings> {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const { path, holds, problem } of references) {
    const content = await readFile(path).catch((error: unknown) =>
      String(error instanceof Error && 'code' in error ? error.code : error),
    );
    if (typeof content === 'string') {
      warnings.push(
        problem(
          `${quote(path)} ${content === 'ENOENT' ? 'does not exist' : `can't be read (${content})`}`,
          'relative names count from the directory of the config',
        ),
      );
    } else if (holds === 'certificate' && !(await isCertificate(content))) {
      problems.push(problem(`${quote(path)} holds no PEM certificate`, 'it starts with -----BEGIN CERTIFICATE-----'));
    }
  }
  return { problems, warnings };
}

async function isCertificate(content: Buffer): Promise<boolean> {
  if (!content.includes('-----BEGIN')) return false;
  const { X509Certificate } = await import('node:crypto');
  try {
    return new X509Certificate(content).subject !== undefined;
  } catch {
    return false;
  }
}
