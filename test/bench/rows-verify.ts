/** A bundle proven, against the hash that anybody would take of it. */
import { type Contender, MEMORY_BAR, type Row } from './contest.ts'
import { type Command, Failed, shell } from './measure.ts'
import { bundleOf, type Stage } from './stage.ts'

const UNEQUAL = 'openssl takes one hash of the file; ours judges the head and compares every digest.'

function said(what: RegExp) {
  return ({ stdout }: { stdout: string }) => {
    if (!what.test(stdout)) throw new Failed(`unexpected: ${stdout.slice(0, 400)}`)
    return undefined
  }
}

function contender(name: string, command: () => Command, what: RegExp): Contender {
  return { name, prepare: () => Promise.resolve(command()), check: said(what) }
}

/** `from` a file or a pipe; `cold` takes the bundle out of the page cache first. */
export async function verifyRow(stage: Stage, from: 'file' | 'pipe', cold: boolean): Promise<Row> {
  const bundle = await bundleOf(stage, 'big')
  const ours = stage.site.verify(from === 'file' ? bundle : '-')
  const piped = (argv: readonly string[]) => shell(`cat ${bundle} | ${argv.join(' ')}`)
  const hash = ['openssl', 'sha256']
  const commands = from === 'file' ? [ours.argv, [...hash, bundle]] : [piped(ours.argv), piped(hash)]
  const [mine = [], theirs = []] = commands
  const bar = from === 'file' ? { must: 0.75, record: 0.6 } : { must: 1.15, record: 1 }
  return {
    key: `verify-${from}${cold ? '-cold' : ''}`,
    title: `verify the bundle of export-big, ${from}, ${cold ? 'from the disk' : 'from the page cache'}`,
    unequal: UNEQUAL,
    contenders: [
      contender('sallyport verify', () => ({ ...ours, argv: mine }), /"verdict": *"trusted"/),
      contender('openssl sha256', () => ({ argv: theirs }), /= [0-9a-f]{64}/),
    ],
    bars: [{ against: ['openssl sha256'], ...bar }, MEMORY_BAR],
    cold: cold ? [bundle] : [],
  }
}
