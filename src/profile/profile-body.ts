import { freeNow, freeReceived } from './free-now.ts';
import { openProfile } from './open-profile.ts';

/** A profile as it came; inflated where somebody asks, which the engine in WebAssembly does not. */
export class ProfileBody {
  /** Gzip or plain protobuf, fit to be a `.pb.gz` or `.pb` file as it is. */
  readonly body: Uint8Array;
  /** The most bytes that it may have inflated. */
  readonly maxBytes: number;
  #pprof: Uint8Array | undefined;
  #restored: (() => Uint8Array) | undefined;

  /** `pprof`: the inflated bytes, if they are at hand. */
  constructor(body: Uint8Array, maxBytes: number, pprof?: Uint8Array) {
    this.body = body;
    this.maxBytes = maxBytes;
    this.#pprof = pprof;
  }

  /** The protobuf: `body` inflated, or `body` itself. Throws the ProfileError of `openProfile`. */
  get pprof(): Uint8Array {
    this.#pprof ??= this.#restored ? this.#restored() : openProfile(this.body, this.maxBytes);
    return this.#pprof;
  }

  /** The same, where it is at hand. */
  get inflated(): Uint8Array | undefined {
    return this.#pprof;
  }

  /** Frees its bytes now; whoever asks for the protobuf nevertheless gets what `restored` gives. */
  spend(restored: () => Uint8Array): void {
    this.#free(undefined);
    this.#pprof = undefined;
    this.#restored = restored;
  }

  /** Frees its bytes now, but for those that something else goes on using. They are empty afterwards. */
  release(inUse: Uint8Array | undefined): void {
    this.#free(inUse);
    this.#pprof ??= NOTHING;
    this.#restored = undefined;
  }

  #free(inUse: Uint8Array | undefined): void {
    if (this.body.buffer !== inUse?.buffer) freeReceived(this.body);
    if (this.#pprof && this.#pprof.buffer !== inUse?.buffer) freeNow(this.#pprof);
  }
}

const NOTHING = new Uint8Array(0);
