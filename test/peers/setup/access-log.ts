/** The access log of a distribution registry, in the combined format, as it comes out of the process. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export interface LoggedRequest {
  readonly method: string
  /** As it stood in the request line, with its query. */
  readonly path: string
  readonly status: number
  /** Of the answer's body. What a client sent is not logged. */
  readonly bytes: number
  readonly agent: string
  readonly user?: string
}

const LINE =
  /^\S+ - (\S+) \[[^\]]+\] "([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) (\d+) "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)"$/

/** Undefined when the line is something else that the program printed. */
export function parseAccessLine(line: string): LoggedRequest | undefined {
  const found = LINE.exec(line)
  if (found === null) return undefined
  const [, user, method = '', path = '', status, bytes, agent = ''] = found
  const request = { method, path, status: Number(status), bytes: Number(bytes), agent }
  return user === undefined || user === '-' ? request : { ...request, user }
}

export class AccessLog {
  #requests: LoggedRequest[] = []
  #marks = new Map<string, () => void>()

  constructor(stream: Readable) {
    createInterface({ input: stream }).on('line', (line) => {
      const request = parseAccessLine(line)
      if (request === undefined) return
      const mark = this.#marks.get(request.path)
      if (mark === undefined) this.#requests.push(request)
      else mark()
    })
  }

  requests(): LoggedRequest[] {
    return [...this.#requests]
  }

  clear(): void {
    this.#requests = []
  }

  /** Resolves once a request with this path is logged. Such a request is never listed. */
  mark(path: string): Promise<void> {
    return new Promise((resolve) => this.#marks.set(path, resolve))
  }
}
