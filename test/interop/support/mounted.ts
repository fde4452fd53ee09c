/**
 * A command that sees other files than this process: each pair is a file or directory and the path that it is seen at. Only
 * the new process and its children see them so.
 */
export function mounted(
  binds: readonly (readonly [source: string, path: string])[],
  command: readonly string[],
): string[] {
  // Whoever is not root becomes root of a user namespace, where that is allowed.
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const script = `${'mount --bind "$1" "$2" && shift 2 && '.repeat(binds.length)}exec "$@"`;
  return ['unshare', '--mount', ...asRoot, 'sh', '-c', script, 'sh', ...binds.flat(), ...command];
}
