/** Starts to count the CPU time of this process; gives the milliseconds so far. What else the machine does is not in it. */
export function countCpuMs(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}
