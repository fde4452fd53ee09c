/**
 * Sends one request after the other from a number of clients, until the returned function is called, which rejects if
 * one of them got no answer.
 */
export function keepAsking(clients: number, next: () => [url: string, init: RequestInit]): () => Promise<void> {
  let stopped = false;
  const ask = async (): Promise<void> => {
    while (!stopped) {
      const [url, init] = next();
      const response = await fetch(url, init);
      await response.arrayBuffer();
    }
  };
  const asking = Promise.all(Array.from({ length: clients }, ask));
  asking.catch(() => {}); // told when it is stopped
  return async () => {
    stopped = true;
    await asking;
  };
}
