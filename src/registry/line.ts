/** The line to a registry, as large blobs take it: one behind the other where one fills it, more at once where not. */

/** In bytes a second. A line that takes less has room for another blob. */
const FULL = 64 * 1024 * 1024
const LOOK_MS = 250

/** A blob's time on the line, from before its upload is begun until its last byte has left. */
export interface Turn {
  /** Ends it too, with the last byte. */
  sent(bytes: number): void
  /** May be called more than once. */
  end(): void
}

interface Sending {
  readonly size: number
  left: number
}

/**
 * Blobs that start together end together, and then the registry syncs all of them to its disk while nobody sends a
 * byte. So the next one starts when the one before is half sent: it is sent on while that one is synced.
 */
export class Line {
  readonly #waiting: { size: number; resolve: (turn: Turn) => void }[] = []
  readonly #sending = new Set<Sending>()
  #sent = 0
  #clock: NodeJS.Timeout | undefined

  /** A turn for a blob of so many bytes: when there is one before it at most, and that is half sent, or all are slow. */
  enter(size: number): Promise<Turn> {
    const { promise, resolve } = Promise.withResolvers<Turn>()
    this.#waiting.push({ size, resolve })
    this.#admit()
    return promise
  }

  #admit(): void {
    const hasRoom = (): boolean =>
      this.#sending.size < 2 && [...this.#sending].every(({ size, left }) => left * 2 <= size)
    while (this.#waiting.length > 0 && hasRoom()) this.#next()
    this.#watch()
  }

  /** Looks at the line as long as somebody waits for it. */
  #watch(): void {
    if (this.#waiting.length > 0) {
      this.#clock ??= setInterval(() => this.#look(), LOOK_MS)
      return
    }
    clearInterval(this.#clock)
    this.#clock = undefined
  }

  #look(): void {
    if (this.#sent * 1000 < FULL * LOOK_MS) this.#next()
    this.#sent = 0
    this.#watch()
  }

  #next(): void {
    const next = this.#waiting.shift()
    next?.resolve(this.#turn(next.size))
  }

  #turn(size: number): Turn {
    const sending: Sending = { size, left: size }
    this.#sending.add(sending)
    const end = (): void => {
      if (this.#sending.delete(sending)) this.#admit()
    }
    return {
      sent: (bytes) => {
        this.#sent += bytes
        sending.left -= bytes
        if (sending.left === 0) end()
        else this.#admit()
      },
      end,
    }
  }
}
