/** Progress: one line that rewrites itself on a terminal, a plain line now and then elsewhere, JSON lines on request. */
import type { RunEvent } from '../index.ts'
import { bytes, plain, seconds, visibleJson } from './show.ts'

export type ProgressStyle = 'terminal' | 'plain' | 'json' | 'none'

interface Out {
  write(text: string): unknown
  columns?: number | undefined
}

const TERMINAL_EVERY = 100
const PLAIN_EVERY = 5000

export class Progress {
  private readonly out: Out
  private readonly style: ProgressStyle
  private readonly clock: () => number
  private phase = ''
  private total = 0
  private blobs = 0
  /** Of the total, with what need not be moved. */
  private done = 0
  private moved = 0
  private blobsDone = 0
  private started = 0
  private shown = 0
  private open = false

  constructor(out: Out, style: ProgressStyle, clock: () => number = () => performance.now()) {
    this.out = out
    this.style = style
    this.clock = clock
  }

  readonly listen = (event: RunEvent): void => {
    if (this.style === 'none') return
    switch (event.type) {
      case 'phase':
        this.finish()
        this.phase = event.phase
        this.total = this.blobs = this.done = this.moved = this.blobsDone = 0
        this.started = this.shown = this.clock()
        if (this.style === 'json') this.json({ event: 'phase', phase: event.phase })
        else if (this.style === 'plain') this.out.write(`${plain(event.phase)}\n`)
        else this.draw()
        return
      case 'total':
        this.total = event.bytes
        this.blobs = event.blobs
        return
      case 'note':
        this.finish()
        if (this.style === 'json') this.json({ event: 'note', text: event.text })
        else this.out.write(`note: ${plain(event.text)}\n`)
        return
      case 'bytes':
        this.done += event.count
        if (event.kept !== true) this.moved += event.count
        break
      case 'blob':
        this.blobsDone++
    }
    const now = this.clock()
    if (now - this.shown < (this.style === 'terminal' ? TERMINAL_EVERY : PLAIN_EVERY)) return
    this.shown = now
    this.draw()
  }

  private json(value: object): void {
    this.out.write(`${visibleJson(value)}\n`)
  }

  private draw(): void {
    const elapsed = (this.clock() - this.started) / 1000
    const rate = elapsed > 0 ? this.moved / elapsed : 0
    const left = rate > 0 ? (this.total - this.done) / rate : Number.POSITIVE_INFINITY
    if (this.style === 'json') {
      this.json({
        event: 'progress',
        phase: this.phase,
        bytes: this.done,
        of: this.total,
        blobs: this.blobsDone,
        ofBlobs: this.blobs,
        bytesPerSecond: Math.round(rate),
      })
      return
    }
    const amount =
      this.total === 0 ? '' : ` ${bytes(this.done)} of ${bytes(this.total)}, blob ${this.blobsDone} of ${this.blobs}`
    const pace = this.total === 0 || rate === 0 ? '' : `, ${bytes(rate)}/s, ${seconds(left)} left`
    const line = `${plain(this.phase)}${amount}${pace}`
    if (this.style === 'plain') this.out.write(`${line}\n`)
    else this.out.write(`\r\u001b[2K${line.slice(0, (this.out.columns ?? 80) - 1)}`)
    this.open = this.style === 'terminal'
  }

  /** Clears the line that is being rewritten, so that other text can follow. */
  finish(): void {
    if (this.open) this.out.write('\r\u001b[2K')
    this.open = false
  }
}
