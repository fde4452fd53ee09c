/** A key of foreign metadata as the end of a label name: one `_` for each character that no label name may hold. */
export function sanitizeLabelName(key: string): string {
  return key.replace(/[^a-zA-Z0-9_]/gu, '_');
}
