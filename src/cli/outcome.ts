/** From a report or an error to text or JSON, and to an exit status. */
import { exitOf, SallyportError } from '../errors/index.ts'
import { plain, visibleJson } from './show.ts'

export interface Outcome {
  exit: number
  /** For standard output; a single JSON document with `--json`. */
  out: string
  /** For standard error. */
  err: string
}

/** What a verb gives back to the command line. */
export interface Result {
  /** The name of the published schema. */
  verb: string
  report: object
  text: string[]
  /** 0; 2 for a policy that can't judge; 3 for content left out by choice; 10 to 18 for a refusal; 22 for a difference found; of a watch any. */
  exit: number
  /** Where the status alone does not say whether all is well. */
  ok?: boolean
  /** What is said of a refusal where nothing else is to be said; all of the text by default. */
  refusal?: string[]
}

function lines(text: readonly string[]): string {
  return text.map((line) => `${line}\n`).join('')
}

export function outcomeOf(result: Result, json: boolean, quiet: boolean): Outcome {
  const { verb, report, text, exit } = result
  // A report that refuses must not read as success to whoever looks at one member only.
  // 22 with a report is a difference that was found, which is what was asked for.
  const { ok = exit === 0 || exit === 3 || exit === 22, refusal = text } = result
  if (json) return { exit, out: `${visibleJson({ ok, verb, exit, report })}\n`, err: '' }
  // Who asked for errors alone is not left with a bare number.
  if (quiet) return { exit, out: '', err: ok ? '' : lines(refusal) }
  return { exit, out: lines(text), err: '' }
}

/** The facts of an error, without secrets: messages and subjects are made of names, never of content. */
function errorJson(error: unknown, exit: number): object {
  if (error instanceof SallyportError) {
    const { code, side, subject, message, remedy } = error
    return { code, exit, side, subject: subject ?? null, message, remedy }
  }
  return {
    code: 'INTERNAL',
    exit,
    side: null,
    subject: null,
    message: String((error as Error | undefined)?.message ?? error),
    remedy: 'report it',
  }
}

export function failureOf(error: unknown, verb: string, json: boolean): Outcome {
  const exit = exitOf(error)
  if (json) return { exit, out: `${visibleJson({ ok: false, verb, exit, error: errorJson(error, exit) })}\n`, err: '' }
  if (!(error instanceof SallyportError)) {
    const stack = (error as Error | undefined)?.stack ?? String(error)
    return { exit, out: '', err: `sallyport: INTERNAL: ${stack.split('\n').map(plain).join('\n')}\n` }
  }
  const lines = [
    `sallyport: ${error.code} (${error.side}, exit ${exit})`,
    `  what:   ${plain(error.message)}`,
    ...(error.subject === undefined ? [] : [`  where:  ${plain(error.subject)}`]),
    `  remedy: ${plain(error.remedy)}`,
  ]
  return { exit, out: '', err: `${lines.join('\n')}\n` }
}
