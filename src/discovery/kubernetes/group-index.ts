import { isDeepStrictEqual } from 'node:util';
import type { TargetGroup } from '../target-group.ts';
import { type KubernetesObject, keyOf, type Resource } from './objects.ts';
import type { AttachMetadata, Lookup, Role } from './role.ts';

/**
 * The objects that are known and the groups that they make. Building a group notes which other objects it asked for, known or
 * not, so that a change of any of these builds it again, and nothing else.
 */
export class GroupIndex {
  readonly #role: Role;
  readonly #attach: AttachMetadata;
  readonly #objects = new Map<Resource, Map<string, KubernetesObject>>();
  readonly #groups = new Map<string, TargetGroup>();
  /** Keys of the role's objects by what their groups asked for, and the other way round. */
  readonly #dependants = new Map<string, Set<string>>();
  readonly #dependencies = new Map<string, ReadonlySet<string>>();
  readonly #stale = new Set<string>();
  #sorted: readonly TargetGroup[] | undefined;

  constructor(role: Role, attach: AttachMetadata) {
    this.#role = role;
    this.#attach = attach;
  }

  store(resource: Resource, object: KubernetesObject): void {
    const key = keyOf(object.meta);
    const known = this.#of(resource).get(key);
    const { resourceVersion } = object.meta;
    if (resourceVersion !== '' && known?.meta.resourceVersion === resourceVersion) return;
    this.#of(resource).set(key, object);
    this.#changed(resource, key);
  }

  delete(resource: Resource, key: string): void {
    if (this.#of(resource).delete(key)) this.#changed(resource, key);
  }

  /** Builds what has changed; whether any group is another than before. */
  refresh(): boolean {
    let isChanged = false;
    for (const key of this.#stale) if (this.#rebuild(key)) isChanged = true;
    this.#stale.clear();
    if (isChanged) this.#sorted = undefined;
    return isChanged;
  }

  /** In the order of their sources; without those that have no targets. */
  get groups(): readonly TargetGroup[] {
    this.#sorted ??= [...this.#groups.values()].sort((a, b) => (a.source < b.source ? -1 : 1));
    return this.#sorted;
  }

  #of(resource: Resource): Map<string, KubernetesObject> {
    const known = this.#objects.get(resource) ?? new Map<string, KubernetesObject>();
    this.#objects.set(resource, known);
    return known;
  }

  #changed(resource: Resource, key: string): void {
    if (resource === this.#role.resource) this.#stale.add(key);
    for (const dependant of this.#dependants.get(`${resource} ${key}`) ?? []) this.#stale.add(dependant);
  }

  #rebuild(key: string): boolean {
    const object = this.#of(this.#role.resource).get(key);
    const asked = new Set<string>();
    const lookup: Lookup = (resource, namespace, name) => {
      const wanted = keyOf({ namespace, name });
      asked.add(`${resource} ${wanted}`);
      return this.#of(resource).get(wanted);
    };
    const built = object && this.#role.build(object, { lookup, attach: this.#attach });
    this.#depend(key, asked);
    // There is an object and it says nothing about its targets.
    if (object !== undefined && built === undefined) return false;
    const known = this.#groups.get(key);
    if (object === undefined || built === undefined || built.targets.length === 0) return this.#groups.delete(key);
    const { namespace, name } = object.meta;
    const group = {
      source: [this.#role.sourcePrefix, ...(namespace === '' ? [] : [namespace]), name].join('/'),
      ...built,
    };
    if (isDeepStrictEqual(known, group)) return false;
    this.#groups.set(key, group);
    return true;
  }

  #depend(key: string, asked: ReadonlySet<string>): void {
    for (const dependency of this.#dependencies.get(key) ?? []) {
      const dependants = this.#dependants.get(dependency);
      dependants?.delete(key);
      if (dependants?.size === 0) this.#dependants.delete(dependency);
    }
    if (asked.size === 0) this.#dependencies.delete(key);
    else this.#dependencies.set(key, asked);
    for (const dependency of asked) {
      const dependants = this.#dependants.get(dependency) ?? new Set<string>();
      dependants.add(key);
      this.#dependants.set(dependency, dependants);
    }
  }
}
