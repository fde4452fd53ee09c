import { oneLine } from '../../safe-text/one-line.ts';

export type Child = Node | string | undefined;

/**
 * Attributes; `false` and undefined leave one out. Never markup: all text goes through text nodes, and what is unseen in it, or in
 * an attribute, shows as in a JSON string.
 */
export type Attributes = Readonly<Record<string, string | boolean | undefined>>;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  for (const child of children)
    if (child !== undefined) made.append(typeof child === 'string' ? oneLine(child) : child);
  return made;
}

/** Touches the document only where something changes. */
export function setAttribute(of: Element, name: string, value: string | boolean | undefined): void {
  if (value === undefined || value === false) {
    if (of.hasAttribute(name)) of.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : oneLine(value);
  if (of.getAttribute(name) !== text) of.setAttribute(name, text);
}

export function setText(of: Element, text: string): void {
  const shown = oneLine(text);
  if (of.textContent !== shown) of.textContent = shown;
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** What is shown of one thing, for as long as it is there. */
export interface Part<Item> {
  readonly root: HTMLElement;
  update(item: Item): void;
}

/** Children of one element, one a key: what stays is the same node, with its focus and its selection. */
export class KeyedParts<Item> {
  readonly #parent: HTMLElement;
  readonly #keyOf: (item: Item) => string;
  readonly #create: (item: Item) => Part<Item>;
  readonly #parts = new Map<string, Part<Item>>();
  /** Children before it are not ours. */
  readonly #after: Node | null;

  constructor(parent: HTMLElement, keyOf: (item: Item) => string, create: (item: Item) => Part<Item>) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#create = create;
    this.#after = parent.lastChild;
  }

  get parts(): Iterable<Part<Item>> {
    return this.#parts.values();
  }

  update(items: readonly Item[]): void {
    const keys = new Set(items.map(this.#keyOf));
    for (const [key, { root }] of this.#parts) {
      if (keys.has(key)) continue;
      root.remove();
      this.#parts.delete(key);
    }
    let place = this.#after === null ? this.#parent.firstChild : this.#after.nextSibling;
    for (const item of items) {
      const key = this.#keyOf(item);
      let part = this.#parts.get(key);
      if (!part) {
        part = this.#create(item);
        this.#parts.set(key, part);
      }
      part.update(item);
      if (part.root === place) place = place.nextSibling;
      else this.#parent.insertBefore(part.root, place);
    }
  }
}

/** A node that is moved loses the focus: gives it back. */
export function keepingFocus(change: () => void): void {
  const focused = document.activeElement;
  change();
  if (focused instanceof HTMLElement && focused.isConnected && document.activeElement !== focused) {
    focused.focus({ preventScroll: true });
  }
}
