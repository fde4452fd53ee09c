import { freeNow, freeReceived } from './free-now.ts';
import { type ProfileLimits, profileLimits } from './limits.ts';
import { openBody } from './open-profile.ts';

/** A profile as it came; inflated where somebody asks, which the engine in WebAssembly does not. */
export class ProfileBody {
  /** Gzip or plain protobuf, fit to be a `.pb.gz` or `.pb` file as it is. */
  body: Uint8Array;
  /** The most bytes that it may have inflated. */
  readonly maxBytes: number;
  /** It came as gzip within gzip. Known once it has been inflated. */
  isTwice = false;
  /** What follows from that. */
  readonly limits: ProfileLimits;
  #pprof: Uint8Array | undefined;
  #restored: (() => Uint8Array) | undefined;

  /** `pprof`: the inflated bytes, if they are at hand. */
  constructor(body: Uint8Array, maxBytes: number, pprof?: Uint8Array) {
    this.body = body;
    this.maxBytes = maxBytes;
    this.limits = profileLimits(maxBytes);
    this.#pprof = pprof;
  }

  /** The protobuf: `body` inflated, or `body` itself. Throws the ProfileError of `openProfile`. */
  get pprof(): Uint8Array {
    if (this.#pprof !== undefined) return this.#pprof;
    this.#pprof = this.#restored ? this.#restored() : this.#open();
    this.#restored = undefined;
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

  /** Frees what was inflated, now. It is inflated again for whoever asks. */
  shrink(): void {
    if (this.#pprof && this.#pprof.buffer !== this.body.buffer) freeNow(this.#pprof);
    this.#pprof = undefined;
    this.#restored = undefined;
  }

  /** Frees its bytes now, but for those that something else goes on using. They are empty afterwards. */
  release(inUse: Uint8Array | undefined): void {
    this.#free(inUse);
    this.#pprof ??= NOTHING;
    this.#restored = undefined;
  }

  #open(): Uint8Array {
    const { body, pprof, isTwice } = openBody(this.body, this.maxBytes);
    this.body = body;
    this.isTwice = isTwice;
    return pprof;
  }

  #free(inUse: Uint8Array | undefined): void {
    if (this.body.buffer !== inUse?.buffer) freeReceived(this.body);
    if (this.#pprof && this.#pprof.buffer !== inUse?.buffer) freeNow(this.#pprof);
  }
}

const NOTHING = new Uint8Array(0);
