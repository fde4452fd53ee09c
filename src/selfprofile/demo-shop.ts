import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

interface Product {
  readonly id: number;
  readonly name: string;
  readonly category: string;
  readonly cents: number;
  /** How it ranks in each of a few traits, 0 to 1. */
  readonly traits: readonly number[];
}

interface Recommendation {
  readonly product: Product;
  readonly score: number;
}

interface Order {
  readonly customer: string;
  readonly lines: readonly { readonly id: number; readonly quantity: number }[];
}

interface Receipt {
  readonly customer: string;
  readonly lines: readonly { readonly name: string; readonly category: string; readonly cents: number }[];
  readonly totalCents: number;
  readonly signature: string;
}

const PRODUCTS = 2_000;
const TRAITS = 12;
const ADJECTIVES = ['Amber', 'Brave', 'Calm', 'Dusty', 'Early', 'Fine', 'Gentle', 'Hidden', 'Iron', 'Jolly'];
const NOUNS = ['Kettle', 'Lantern', 'Mirror', 'Needle', 'Oar', 'Pillow', 'Quilt', 'Ribbon', 'Saddle', 'Teapot'];
const CATEGORIES = ['kitchen', 'garden', 'workshop', 'bedroom', 'boat'];
/** Orders kept for the report; older ones are forgotten, so that memory stays flat. */
const KEPT_RECEIPTS = 300;
const SIGNATURE_ROUNDS = 150;

/**
 * The program that `--demo` profiles: a small shop whose requests search, sort, score, hash and build text, each in a
 * function of its own. Named methods rather than arrow functions: flame graphs show the names, and a minifier leaves
 * those of methods alone.
 */
export class DemoShop {
  readonly catalog = this.stockCatalog();
  readonly receipts: Receipt[] = [];

  /** Gives false for a path that the shop hasn't got. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const url = new URL(req.url ?? '/', 'http://shop');
    switch (`${req.method} ${url.pathname}`) {
      case 'GET /products':
        this.listProducts(url.searchParams, res);
        return true;
      case 'GET /recommendations':
        this.recommendProducts(url.searchParams, res);
        return true;
      case 'POST /checkout':
        this.receiveOrder(req, res);
        return true;
      case 'GET /report':
        this.reportSales(res);
        return true;
      default:
        return false;
    }
  }

  stockCatalog(): readonly Product[] {
    return Array.from({ length: PRODUCTS }, (_, id) => ({
      id,
      name: `${pick(ADJECTIVES, id)} ${pick(NOUNS, Math.floor(id / ADJECTIVES.length))} ${id}`,
      category: pick(CATEGORIES, id * 7),
      cents: 100 + ((id * 7919) % 20_000),
      traits: Array.from({ length: TRAITS }, (_, trait) => ((id * 31 + trait * 17) % 101) / 100),
    }));
  }

  listProducts(parameters: URLSearchParams, res: ServerResponse): void {
    const found = this.searchProducts(parameters.get('q') ?? '');
    this.send(res, 'text/html', this.renderProductPage(this.sortByPrice(found)));
  }

  searchProducts(query: string): Product[] {
    const words = query.toLowerCase().split(/\s+/);
    const found: Product[] = [];
    for (const product of this.catalog) if (this.matchesQuery(product, words)) found.push(product);
    return found;
  }

  matchesQuery(product: Product, words: readonly string[]): boolean {
    const name = product.name.toLowerCase();
    for (const word of words) if (name.includes(word)) return true;
    return false;
  }

  sortByPrice(products: Product[]): Product[] {
    return products.sort(this.comparePrices);
  }

  comparePrices(a: Product, b: Product): number {
    return a.cents - b.cents || (a.name < b.name ? -1 : 1);
  }

  renderProductPage(products: readonly Product[]): string {
    let page = '<!doctype html><title>Shop</title><ul>';
    for (const product of products) page += this.renderProductCard(product);
    return `${page}</ul>`;
  }

  renderProductCard({ id, name, category, cents }: Product): string {
    return `<li id="p${id}" class="${category}"><b>${this.escapeHtml(name)}</b> <span>${this.formatPrice(cents)}</span></li>`;
  }

  escapeHtml(text: string): string {
    return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  }

  formatPrice(cents: number): string {
    return `${(cents / 100).toFixed(2)} €`;
  }

  recommendProducts(parameters: URLSearchParams, res: ServerResponse): void {
    const chosen = this.catalog[Number(parameters.get('product')) % PRODUCTS];
    const ranked = chosen ? this.rankBySimilarity(chosen) : [];
    this.send(res, 'application/json', JSON.stringify(ranked.slice(0, 10)));
  }

  rankBySimilarity(chosen: Product): Recommendation[] {
    const ranked: Recommendation[] = [];
    for (const product of this.catalog) {
      ranked.push({ product, score: this.scoreSimilarity(chosen.traits, product.traits) });
    }
    return ranked.sort(this.compareScores);
  }

  compareScores(a: Recommendation, b: Recommendation): number {
    return b.score - a.score;
  }

  /** Cosine of the angle between two trait vectors. */
  scoreSimilarity(a: readonly number[], b: readonly number[]): number {
    let [dot, squareA, squareB] = [0, 0, 0];
    for (let trait = 0; trait < TRAITS; trait++) {
      const [left = 0, right = 0] = [a[trait], b[trait]];
      dot += left * right;
      squareA += left * left;
      squareB += right * right;
    }
    return dot / (Math.sqrt(squareA * squareB) || 1);
  }

  receiveOrder(req: IncomingMessage, res: ServerResponse): void {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => this.answerOrder(Buffer.concat(chunks).toString(), res));
  }

  answerOrder(text: string, res: ServerResponse): void {
    const order = this.parseOrder(text);
    if (!order) {
      res.writeHead(400).end();
      return;
    }
    const receipt = this.checkOut(order);
    this.receipts.push(receipt);
    if (this.receipts.length > KEPT_RECEIPTS) this.receipts.shift();
    this.send(res, 'application/json', this.renderReceipt(receipt));
  }

  renderReceipt(receipt: Receipt): string {
    return JSON.stringify(receipt);
  }

  parseOrder(text: string): Order | undefined {
    try {
      const order: unknown = JSON.parse(text);
      return isOrder(order) ? order : undefined;
    } catch {
      return undefined;
    }
  }

  checkOut(order: Order): Receipt {
    const lines = this.priceOrder(order);
    const totalCents = lines.reduce((sum, line) => sum + line.cents, 0);
    return { customer: order.customer, lines, totalCents, signature: this.signReceipt(order.customer, lines) };
  }

  priceOrder(order: Order): Receipt['lines'] {
    return order.lines.flatMap(({ id, quantity }) => {
      const product = this.catalog[id];
      return product ? [{ name: product.name, category: product.category, cents: product.cents * quantity }] : [];
    });
  }

  signReceipt(customer: string, lines: Receipt['lines']): string {
    let signature = `${customer}:${JSON.stringify(lines)}`;
    for (let round = 0; round < SIGNATURE_ROUNDS; round++) {
      signature = createHash('sha256').update(signature).digest('hex');
    }
    return signature;
  }

  reportSales(res: ServerResponse): void {
    const byCategory = this.sumByCategory();
    const rows = [...byCategory].map(([category, cents]) => `${category.padEnd(12)}${this.formatPrice(cents)}`);
    this.send(res, 'text/plain', rows.join('\n'));
  }

  sumByCategory(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const receipt of this.receipts) {
      for (const { category, cents } of receipt.lines) sums.set(category, (sums.get(category) ?? 0) + cents);
    }
    return sums;
  }

  send(res: ServerResponse, type: string, body: string): void {
    res.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Content-Length': Buffer.byteLength(body) });
    res.end(body);
  }
}

function pick(words: readonly string[], index: number): string {
  return words[index % words.length] ?? '';
}

function isOrder(value: unknown): value is Order {
  return (
    typeof value === 'object' &&
    value !== null &&
    'customer' in value &&
    typeof value.customer === 'string' &&
    'lines' in value &&
    Array.isArray(value.lines) &&
    value.lines.every(
      (line: unknown) => typeof line === 'object' && line !== null && 'id' in line && 'quantity' in line,
    )
  );
}
