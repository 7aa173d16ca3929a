/** A signal that follows the caller's and the clock. */
import { setMaxListeners } from 'node:events'

export class Deadline {
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #abort = (): void => this.#controller.abort(this.#outer?.reason)

  /**
   * Aborts with what `late` gives after `ms`, or with the outer signal's reason as soon as that has one. The error is made
   * when it is needed, which spares each request its stack.
   */
  constructor(outer: AbortSignal | undefined, ms: number, late: () => Error) {
    this.#outer = outer
    this.#timer = setTimeout(() => this.#controller.abort(late()), ms)
    if (outer === undefined) return
    setMaxListeners(0, outer)
    if (outer.aborted) this.#abort()
    else outer.addEventListener('abort', this.#abort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Lets the clock go on without us: for a body whose length nobody can foresee. */
  stopClock(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Ends both; nothing is aborted any more. */
  release(): void {
    this.stopClock()
    this.#outer?.removeEventListener('abort', this.#abort)
  }
}

/** The promise, or the signal's reason if that comes first; the promise goes on for others who wait for it. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
