import { DiscoveryError } from '../../errors.ts';
import type { DiscoveryUpdate } from '../discoverer.ts';
import type { TargetGroup } from '../target-group.ts';
import { whatIsKept } from '../what-is-kept.ts';

/** What one question has brought so far. */
export interface Asked {
  /** The last answer was shortened by ACLs. */
  readonly isFiltered: boolean;
  readonly problem: DiscoveryError | undefined;
  readonly hasAnswer: boolean;
}

export interface AskedService extends Asked {
  readonly group: TargetGroup | undefined;
  readonly goodAtMs: number;
}

export const NOT_ASKED: Asked = { isFiltered: false, problem: undefined, hasAnswer: false };
export const SERVICE_NOT_ASKED: AskedService = { ...NOT_ASKED, group: undefined, goodAtMs: 0 };

/** Everything that is known of a Consul at one moment. */
export interface ConsulState {
  readonly datacenter: Asked;
  /** Undefined where the config names the services and the catalog is not asked. */
  readonly catalog: Asked | undefined;
  readonly services: ReadonlyMap<string, AskedService>;
}

/** Whether each question that is due has been answered or has failed once. */
export function isComplete({ datacenter, catalog, services }: ConsulState): boolean {
  if (datacenter.problem !== undefined || catalog?.problem !== undefined) return true;
  return [datacenter, catalog ?? datacenter, ...services.values()].every(isSettled);
}

function isSettled({ hasAnswer, problem }: Asked): boolean {
  return hasAnswer || problem !== undefined;
}

/** The groups in the order of their services, which does not depend on who answered first. */
export function updateOf(state: ConsulState, name: string, notes: readonly string[]): DiscoveryUpdate {
  const services = [...state.services].sort(([a], [b]) => (a < b ? -1 : 1));
  const groups = services.flatMap(([, { group }]) =>
    group === undefined || group.targets.length === 0 ? [] : [group],
  );
  const { datacenter, catalog } = state;
  const failures: DiscoveryError[] = [];
  for (const asked of [datacenter, catalog]) {
    if (asked?.problem !== undefined) failures.push(named(asked.problem, name, catalogKept(asked)));
  }
  for (const [, { problem, group, goodAtMs }] of services) {
    if (problem !== undefined) {
      failures.push(named(problem, name, whatIsKept({ groups: group && [group], goodAtMs }, 'answer')));
    }
  }
  const warnings = [...notes];
  if (catalog?.isFiltered) warnings.push(filtered(name, 'the list of services'));
  for (const [service, { isFiltered }] of services) if (isFiltered) warnings.push(filtered(name, `service ${service}`));
  return { groups, failures, warnings };
}

/** Without count and time, since the services that are known go on being followed: the same failure is said once. */
function catalogKept({ hasAnswer }: Asked): string {
  return hasAnswer ? 'keeping the services that are known' : 'there has been no good answer, so it gives no instances';
}

function named({ code, message, hint, cause }: DiscoveryError, name: string, kept: string): DiscoveryError {
  return new DiscoveryError(code, `${name}: ${message}; ${kept}`, { hint, cause });
}

function filtered(name: string, what: string): string {
  return `${name}: the token may not see all of ${what}: Consul leaves out what its ACLs forbid`;
}
