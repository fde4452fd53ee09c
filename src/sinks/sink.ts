import type { LabelSet } from '../labels/label-set.ts';
import type { ProfileKind } from '../profile/profile-kind.ts';
import type { SampleType } from '../profile/sample-type.ts';
import type { Target } from '../targets/target.ts';

/** A profile ready to be kept: what the delta stage passes on. */
export interface FinishedProfile {
  readonly target: Target;
  /** Target's labels, external labels and `--label` merged. */
  readonly labels: LabelSet;
  /** Gzip'd pprof. */
  readonly body: Uint8Array;
  /** The interval the profile speaks for, Unix nanoseconds. Equal ends for an instant profile with nothing before it. */
  readonly fromNanos: bigint;
  readonly untilNanos: bigint;
  /** What its values stand for. */
  readonly profileKind: ProfileKind;
  readonly sampleTypes: readonly SampleType[];
  /** Number of samples in the body. */
  readonly samples: number;
  /** A counter reset was seen: the values are those of a new process since its start. */
  readonly isReset: boolean;
  /** The interval is not covered whole, as when the first part of it could not be known. */
  readonly isPartial: boolean;
}

/** What is left of a profile when all sinks have it. */
export interface WrittenProfile extends Omit<FinishedProfile, 'body'> {
  /** Of the body. */
  readonly bytes: number;
}

/** Where profiles go. */
export interface Sink {
  readonly name: string;
  /** False where text dumps are not to be handed to it. */
  readonly takesText?: boolean;
  /**
   * Resolves when the sink answers for the profile (written, or durably queued): its body is gone then. Rejects with
   * SinkError.
   */
  write(profile: FinishedProfile): Promise<Receipt>;
  /** Finishes what was accepted. */
  close(): Promise<void>;
}

/** What a sink says of an accepted profile. */
export interface Receipt {
  /** Path of the file, relative to where the sink writes; undefined for a remote. */
  readonly path: string | undefined;
  readonly bytes: number;
  /**
   * Of a remote: `refused` is what the server would never take (kept beside the queue), `filtered` what the remote's rules
   * drop, `empty` what a server would take and keep nothing of. Undefined for a file.
   */
  readonly remote?: RemoteReceipt;
  /** The line of the index, for `--json`; undefined for a remote. */
  readonly entry?: Readonly<Record<string, unknown>>;
}

/** What a remote said of a profile when it was handed to its queue. */
export interface RemoteReceipt {
  readonly name: string;
  readonly outcome: 'queued' | 'refused' | 'filtered' | 'empty';
  /** Why it was refused without being sent. */
  readonly answer?: string;
  /** Its entry in the queue, where there is one. */
  readonly entry?: string;
}
