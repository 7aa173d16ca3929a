/** What of a pipe's payload completes which artifact. */
import type { PlacedBlobs } from '../../bundle/index.ts'
import type { OrderedArtifact } from '../../content/index.ts'

/** Which artifacts wait for which payload, by numbers: it may be a million blobs. */
export class Waiting {
  readonly #artifacts: readonly OrderedArtifact[]
  readonly #missing: Uint32Array
  /** Where in `wanting` the artifacts of each blob begin; one more at the end. */
  readonly #begin: Uint32Array
  readonly #wanting: Uint32Array

  constructor(artifacts: readonly OrderedArtifact[], payload: PlacedBlobs) {
    this.#artifacts = artifacts
    this.#missing = new Uint32Array(artifacts.length)
    this.#begin = new Uint32Array(payload.length + 1)
    for (const [blob] of wants(artifacts, payload)) this.#begin[blob + 1] = (this.#begin[blob + 1] ?? 0) + 1
    for (let i = 0; i < payload.length; i++) this.#begin[i + 1] = (this.#begin[i + 1] ?? 0) + (this.#begin[i] ?? 0)
    this.#wanting = new Uint32Array(this.#begin[payload.length] ?? 0)
    const next = this.#begin.slice()
    for (const [blob, artifact] of wants(artifacts, payload)) {
      const at = next[blob] ?? 0
      this.#wanting[at] = artifact
      next[blob] = at + 1
      this.#missing[artifact] = (this.#missing[artifact] ?? 0) + 1
    }
  }

  /** Those that want the blob with this number of the payload. */
  of(blob: number): OrderedArtifact[] {
    return this.#named(this.#numbers(blob))
  }

  complete(): OrderedArtifact[] {
    return this.#artifacts.filter((_, i) => this.#missing[i] === 0)
  }

  /** Notes that the blob is pushed; the artifacts that now have all of theirs. */
  arrived(blob: number): OrderedArtifact[] {
    return this.#named(
      this.#numbers(blob).filter((artifact) => {
        const left = (this.#missing[artifact] ?? 0) - 1
        this.#missing[artifact] = left
        return left === 0
      }),
    )
  }

  #numbers(blob: number): number[] {
    return [...this.#wanting.subarray(this.#begin[blob], this.#begin[blob + 1])]
  }

  #named(numbers: readonly number[]): OrderedArtifact[] {
    return numbers.flatMap((i) => this.#artifacts[i] ?? [])
  }
}

/** Each want of a blob of the payload: its number, and that of the artifact. */
function* wants(
  artifacts: readonly OrderedArtifact[],
  payload: PlacedBlobs,
): Generator<[blob: number, artifact: number]> {
  for (const [i, { blobs }] of artifacts.entries()) {
    for (const { digest } of blobs) {
      const blob = payload.indexOf(digest)
      if (blob >= 0) yield [blob, i]
    }
  }
}
