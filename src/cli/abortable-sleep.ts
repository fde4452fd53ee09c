/**
 * A sleep that resolves after `ms`, or as soon as the signal aborts. However many sleep at once, the signal has one
 * listener.
 */
export function abortableSleep(signal: AbortSignal): (ms: number) => Promise<void> {
  const sleepers = new Set<() => void>();
  signal.addEventListener('abort', () => {
    for (const wake of sleepers) wake();
  });
  return (ms) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const wake = () => {
        clearTimeout(timer);
        sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      sleepers.add(wake);
    });
}
